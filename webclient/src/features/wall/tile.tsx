import { memo, type ReactNode } from 'react';

import { timeOfDay } from '../../core/format';
import { stateName, violationName } from '../../core/record/messages';
import { actionName, wallTexts as texts } from '../../core/wall/messages';
import type { Slots } from '../../core/wall/slots';
import type { TileView } from '../../core/wall/tile-view';
import type { Wall } from '../../core/wall/wall';
import { LevelWord } from './level-mark';
import { SlotVideo } from './slot-video';
import { useTile } from './use-wall';

interface TileProps {
  wall: Wall;
  /** null: how to watch is not known yet. */
  slots: Slots | null;
  id: string;
  column: number;
  /** The one tile that the Tab key stops at. */
  tabbable: boolean;
  /** Its student is open beside the wall. */
  open: boolean;
  onOpen: (id: string) => void;
  onFocus: (id: string) => void;
}

/** One student. It listens for itself: news of others do not reach it, and its own reach nobody else. */
export const Tile = memo(function Tile({ wall, slots, id, column, tabbable, open, onOpen, onFocus }: TileProps) {
  const view = useTile(wall, id);

  return (
    <div
      role="gridcell"
      aria-colindex={column}
      aria-selected={open}
      className="tile"
      data-id={id}
      data-level={view?.level}
      data-state={view?.state}
      tabIndex={tabbable ? 0 : -1}
      onClick={() => {
        onOpen(id);
      }}
      onFocus={() => {
        onFocus(id);
      }}
    >
      {slots === null ? (
        <div className="slot-video">
          <p className="cover">{texts.noSlots}</p>
        </div>
      ) : (
        <SlotVideo slots={slots} id={id} name={view?.name ?? id} />
      )}
      {view !== null && <Words view={view} />}
    </div>
  );
});
Tile.displayName = 'Tile';

function Words({ view }: { view: TileView }) {
  const { id, name, score, level, state, coverage } = view;

  return (
    <>
      {state !== 'Live' && <p className="tile-state">{stateName(state)}</p>}
      <div className="tile-words">
        <p className="tile-name">
          <strong>{name}</strong> <span className="tile-id">{id}</span>
        </p>
        <p className="tile-score">
          <span className="score" aria-label={texts.score({ score })} role="img">
            {score}
          </span>{' '}
          <LevelWord level={level} />
          {coverage !== null && (
            <span className="tile-seen" role="img" title={texts.seenLong({ percent: coverage })} aria-label={texts.seenLong({ percent: coverage })}>
              {texts.percent({ percent: coverage })}
              <span className="if-wide"> {texts.seen}</span>
            </span>
          )}
        </p>
        <p className="tile-last">{lastOf(view)}</p>
      </div>
    </>
  );
}

/** The last thing that was noted or done here. */
function lastOf({ last, action }: TileView): ReactNode {
  if (action !== null && (last === null || action.at >= last.at)) {
    return texts.at({ what: actionName(action.kind), time: timeOfDay(action.at) });
  }
  if (last !== null) {
    return texts.at({ what: violationName(last.type), time: timeOfDay(last.at) });
  }

  return <span className="soft">{texts.nothing}</span>;
}
