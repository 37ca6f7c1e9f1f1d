import { checksOf, type Checks, type Verdict } from '../../core/check';
import { list } from '../../core/format';
import { checkTexts, texts } from '../../core/messages';
import { LEGS, type PathCheck } from '../../core/path-check';
import type { State } from '../../core/session';

const ORDER = ['camera', 'light', 'face', 'path'] as const satisfies (keyof Checks)[];

/** Said in words and by shape; the colour only repeats it. */
export function DeviceCheck({ state }: { state: State }) {
  const checks = checksOf(state);

  return (
    <ul className="checks" aria-label={texts.ready.checks}>
      {ORDER.map((name) => (
        <li key={name} data-check={name} data-verdict={checks[name]}>
          <VerdictIcon verdict={checks[name]} />
          <div>
            <p className="check-name">
              {checkTexts[name].label}: <span className="verdict">{checkTexts.verdicts[checks[name]]}</span>
            </p>
            <Advice name={name} verdict={checks[name]} path={state.path} />
          </div>
        </li>
      ))}
    </ul>
  );
}

function Advice({ name, verdict, path }: { name: keyof Checks; verdict: Verdict; path: PathCheck }) {
  const text = verdict === 'ok' || verdict === 'bad' ? checkTexts[name][verdict] : null;

  return (
    <>
      {text !== null && <p className="soft">{text}</p>}
      {name === 'path' && path.state === 'done' && <PathDetail path={path} />}
    </>
  );
}

/** Which legs of the network work. */
function PathDetail({ path: { code, legs } }: { path: PathCheck }) {
  const { leg: legText, legResults, legs: names, pathNotAsked, slowPath } = texts.ready;
  if (code !== null) {
    return <p className="soft">{pathNotAsked}</p>;
  }
  const named = (result: string) => list(LEGS.filter((leg) => legs[leg] === result).map((leg) => names[leg]));

  return (
    <>
      {legs.udp === 'failed' && named('ok') !== '' && (
        <p className="soft">{slowPath({ blocked: names.udp, works: named('ok') })}</p>
      )}
      <p className="soft legs">
        {LEGS.filter((leg) => legs[leg] !== 'notOffered').map((leg) => (
          <span key={leg}>{legText({ leg: names[leg], result: legResults[legs[leg]] })}</span>
        ))}
      </p>
    </>
  );
}

function VerdictIcon({ verdict }: { verdict: Verdict }) {
  return (
    <svg className={`verdict-icon ${verdict}`} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      {verdict === 'ok' && <path d="M5 12.5l4.5 4.5L19 7.5" />}
      {verdict === 'bad' && <path d="M12 5v9M12 18v.5" />}
      {verdict === 'running' && <path d="M7 12h.5M12 12h.5M17 12h.5" />}
      {verdict === 'unknown' && <path d="M7 12h10" />}
    </svg>
  );
}
