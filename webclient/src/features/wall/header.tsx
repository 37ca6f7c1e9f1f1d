import { timeToSecond } from '../../core/format';
import { levelNames } from '../../core/record/messages';
import { wallTexts as texts } from '../../core/wall/messages';
import type { WallOrder } from '../../core/wall/order';
import { LEVELS, type WallStore } from '../../core/wall/store';
import type { Wall } from '../../core/wall/wall';
import { LevelMark } from './level-mark';
import { toggled } from './toggled';
import { useCount, useExam, useOrder, useStatus, useUpdatedAt } from './use-wall';

/** Which exam, how it is, and how many of what. */
export function Header({ wall, onHelp }: { wall: Wall; onHelp: () => void }) {
  const exam = useExam(wall.store);

  return (
    <header className="wall-head">
      <svg className="mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
        <rect width="32" height="32" rx="7" />
        <circle cx="16" cy="16" r="8.5" />
        <circle cx="16" cy="16" r="3" />
      </svg>
      <div className="wall-title">
        <h1>{exam?.title ?? texts.fallback}</h1>
        <Pulse store={wall.store} />
      </div>
      <Levels store={wall.store} order={wall.order} />
      <a className="wall-link" href="review">
        {texts.review}
      </a>
      <button type="button" aria-haspopup="dialog" onClick={onHelp}>
        {texts.help}
      </button>
    </header>
  );
}

/** Whether the page is live, and since when it has heard nothing. */
function Pulse({ store }: { store: WallStore }) {
  const { connection, stale } = useStatus(store);
  const total = useCount(store, 'total');
  const streaming = useCount(store, 'streaming');

  return (
    <p className="wall-pulse">
      <span className="link-state" data-good={connection === 'open' && !stale}>
        {texts.connection[connection]}
      </span>
      <span>{texts.students({ count: total })}</span>
      <span>{texts.streaming({ count: streaming })}</span>
      <UpdatedAt store={store} />
    </p>
  );
}
Pulse.displayName = 'Pulse';

function UpdatedAt({ store }: { store: WallStore }) {
  const at = useUpdatedAt(store);

  return <span className="time">{at === 0 ? texts.noUpdate : texts.updated({ time: timeToSecond(at) })}</span>;
}
UpdatedAt.displayName = 'UpdatedAt';

/** How many are at each level; each is a switch that shows only those. */
function Levels({ store, order }: { store: WallStore; order: WallOrder }) {
  const levels = useCount(store, 'levels');
  const { filter } = useOrder(order);

  return (
    <div className="level-counts" role="group" aria-label={texts.levels}>
      {LEVELS.toReversed().map((level) => (
        <button
          key={level}
          type="button"
          data-level={level}
          aria-pressed={filter.levels.includes(level)}
          onClick={() => {
            order.filterBy({ ...filter, levels: toggled(filter.levels, level) });
          }}
        >
          <LevelMark level={level} />
          <span>{levelNames[level]}</span> <strong>{levels[level]}</strong>
        </button>
      ))}
    </div>
  );
}
Levels.displayName = 'Levels';
