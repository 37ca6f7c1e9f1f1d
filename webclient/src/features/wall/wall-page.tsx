import { useCallback, useEffect, useRef, useState, type ReactNode } from 'react';

import { DENSITIES } from '../../core/wall/layout';
import { wallTexts as texts } from '../../core/wall/messages';
import type { Slots } from '../../core/wall/slots';
import type { Wall } from '../../core/wall/wall';
import { Banners } from './banners';
import { Grid } from './grid';
import { Header } from './header';
import { Help } from './help';
import { SlotVideo } from './slot-video';
import { Toolbar } from './toolbar';
import { useKept } from './use-kept';
import { useKeys } from './use-keys';
import { useCount, useExam, useOrder, useStatus, useWatching } from './use-wall';

export interface WallPageProps {
  wall: Wall;
  /** What is shown beside the wall of the student who was opened. video shows their picture, large. */
  renderStudent: (id: string, video: (id: string) => ReactNode, close: () => void) => ReactNode;
}

/** Before the server has said it: none, and the tiles say that there is no picture yet. */
const NO_WARM = 0;
const ON_OFF = ['on', 'off'] as const;

export function WallPage({ wall, renderStudent }: WallPageProps) {
  const exam = useExam(wall.store);
  const watching = useWatching(wall);
  const slots = watching.name === 'ready' ? watching.slots : null;
  const warm = watching.name === 'ready' ? watching.config.tiles.warm : NO_WARM;
  const [density, setDensity] = useKept('density', DENSITIES, 24);
  const [single, setSingle] = useKept('keys', ON_OFF, 'on');
  const [help, setHelp] = useState(false);
  const [opened, setOpened] = useState<string | null>(null);
  const search = useRef<HTMLInputElement>(null);
  const onHelp = useCallback(() => {
    setHelp(true);
  }, []);
  useKeys({ order: wall.order, search, density, onDensity: setDensity, onHelp, on: single === 'on' });
  useEffect(() => {
    document.title = texts.page({ exam: exam?.title ?? texts.fallback });
  }, [exam]);
  useEffect(() => {
    slots?.focus(opened);
  }, [slots, opened]);
  const video = useCallback((id: string) => <LargeVideo wall={wall} slots={slots} id={id} />, [wall, slots]);

  return (
    <div className="wall">
      <Header wall={wall} onHelp={onHelp} />
      <Banners wall={wall} />
      <Toolbar wall={wall} density={density} onDensity={setDensity} search={search} />
      <div className="wall-body" data-open={opened !== null}>
        <main className="wall-main">
          <Tiles wall={wall} slots={slots} warm={warm} density={density} opened={opened} onOpen={setOpened} />
        </main>
        {opened !== null &&
          renderStudent(opened, video, () => {
            setOpened(null);
          })}
      </div>
      {help && (
        <Help
          single={single === 'on'}
          onSingle={(on) => {
            setSingle(on ? 'on' : 'off');
          }}
          onClose={() => {
            setHelp(false);
          }}
        />
      )}
    </div>
  );
}
WallPage.displayName = 'WallPage';

type TilesProps = Omit<Parameters<typeof Grid>[0], 'ids'>;

function Tiles(props: TilesProps) {
  const { order, store } = props.wall;
  const { ids } = useOrder(order);
  const total = useCount(store, 'total');
  const heard = useStatus(store).connection !== 'connecting' || total > 0;
  if (ids.length === 0) {
    return <p className="wall-empty">{total > 0 ? texts.noMatch : heard ? texts.nobody : texts.loading}</p>;
  }

  return <Grid {...props} ids={ids} />;
}
Tiles.displayName = 'Tiles';

function LargeVideo({ wall, slots, id }: { wall: Wall; slots: Slots | null; id: string }) {
  if (slots === null) {
    return (
      <div className="slot-video">
        <p className="cover">{texts.noSlots}</p>
      </div>
    );
  }

  return <SlotVideo slots={slots} id={id} name={wall.store.session(id)?.name ?? id} />;
}
