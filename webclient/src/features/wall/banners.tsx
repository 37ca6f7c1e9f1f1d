import { list, timeToSecond } from '../../core/format';
import { bannerTexts, type BannerText } from '../../core/wall/messages';
import type { WallStatus } from '../../core/wall/store';
import type { TokenState } from '../../core/wall/token';
import type { Wall, Watching } from '../../core/wall/wall';
import { useStatus, useToken, useWatching } from './use-wall';

interface Banner extends BannerText {
  key: string;
  kind: 'bad' | 'wait';
}

/** What is wrong with what is shown, in words; nothing while all is well. */
export function Banners({ wall }: { wall: Wall }) {
  const status = useStatus(wall.store);
  const token = useToken(wall.keeper);
  const watching = useWatching(wall);

  return (
    <div className="banners" role="status">
      {banners(status, token, watching, wall.examName).map(({ key, kind, title, body }) => (
        <p key={key} className="banner" data-kind={kind}>
          <strong>{title}.</strong> {body}
        </p>
      ))}
    </div>
  );
}
Banners.displayName = 'Banners';

export function banners(status: WallStatus, token: TokenState, watching: Watching, exam: string): Banner[] {
  const down = status.shards.filter(({ ready }) => !ready).map(({ name }) => name);

  return [
    ...ofConnection(status, token, exam),
    ...(status.storeAvailable ? [] : [{ key: 'degraded', kind: 'wait' as const, ...bannerTexts.degraded() }]),
    ...(down.length === 0
      ? []
      : [{ key: 'shards', kind: 'wait' as const, ...bannerTexts.shardsDown({ names: list(down), count: down.length }) }]),
    ...(watching.name === 'failed' && token.name === 'ready'
      ? [{ key: 'config', kind: 'wait' as const, ...bannerTexts.configFailed(watching) }]
      : []),
  ];
}

/** One word on the connection is enough: the one that says what to do. */
function ofConnection(status: WallStatus, token: TokenState, exam: string): Banner[] {
  const bad = (text: BannerText): Banner[] => [{ key: 'connection', kind: 'bad', ...text }];
  switch (token.name) {
    case 'expired':
      return bad(bannerTexts.expired({ exam }));
    case 'missing':
      return bad(bannerTexts.missing({ exam }));
    case 'refused':
      return bad(bannerTexts.refused({ exam, code: token.code }));
    case 'ready':
      break;
  }
  if (status.connection === 'refused') {
    return bad(bannerTexts.outdated());
  }
  if (status.stale) {
    return bad(status.updatedAt === 0 ? bannerTexts.staleNothing() : bannerTexts.stale({ time: timeToSecond(status.updatedAt) }));
  }

  return status.connection === 'reconnecting' ? [{ key: 'connection', kind: 'wait', ...bannerTexts.reconnecting() }] : [];
}
