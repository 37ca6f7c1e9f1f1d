import { useState, type ReactNode } from 'react';

import { recordTexts } from '../../core/record/messages';
import type { TimelineItem, ViolationItem } from '../../core/record/timeline';
import { TimelineRow } from './timeline-row';

const texts = recordTexts.timeline;

/** So many at first, and again with each press: a record may have thousands. */
const AT_A_TIME = 40;

const FILTERS = {
  withoutPictures: (item: TimelineItem) => item.is !== 'look',
  onlyViolations: (item: TimelineItem) => item.is === 'violation',
  all: () => true,
};

type Filter = keyof typeof FILTERS;

interface TimelineListProps {
  /** Newest first. */
  items: readonly TimelineItem[];
  /** What can be done about a violation. */
  actions?: (item: ViolationItem) => ReactNode;
}

export function TimelineList({ items, actions }: TimelineListProps) {
  const [filter, setFilter] = useState<Filter>('withoutPictures');
  const [count, setCount] = useState(AT_A_TIME);
  const wanted = items.filter(FILTERS[filter]);
  const older = wanted.length - count;

  return (
    <>
      <div className="chips" role="group" aria-label={texts.show}>
        {(Object.keys(FILTERS) as Filter[]).map((name) => (
          <button
            key={name}
            type="button"
            aria-pressed={name === filter}
            onClick={() => {
              setFilter(name);
              setCount(AT_A_TIME);
            }}
          >
            {texts[name]}
          </button>
        ))}
      </div>
      {wanted.length === 0 && <p className="soft">{texts.none}</p>}
      <ol className="timeline">
        {wanted.slice(0, count).map((item) => (
          <TimelineRow key={item.id} item={item} actions={item.is === 'violation' ? actions?.(item) : undefined} />
        ))}
      </ol>
      {older > 0 && (
        <button
          type="button"
          onClick={() => {
            setCount(count + AT_A_TIME);
          }}
        >
          {texts.older({ count: Math.min(older, AT_A_TIME) })}
        </button>
      )}
    </>
  );
}
