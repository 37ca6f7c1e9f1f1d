import { useCallback, useMemo, useSyncExternalStore } from 'react';

import { Desk, type Act } from '../../core/record/desk';
import { RecordLog, type News, type RecordState } from '../../core/record/record-log';
import { timeline, type TimelineItem } from '../../core/record/timeline';
import { browserTimers } from '../../core/timers';
import type { Door } from '../../core/wall/door';
import type { FeedSession } from '../../core/wire-invigilator';

export interface Student {
  /** The session as the feed has it, or of the record where the feed has none; null: neither. */
  session: FeedSession | null;
  record: RecordState;
  items: readonly TimelineItem[];
  acts: readonly Act[];
  desk: Desk;
  /** Reads the record again. */
  refresh: () => void;
}

/** One student: session, record and actions, rendered anew when they change. */
export function useStudent(id: string, store: News, door: Door): Student {
  const { log, desk } = useMemo(() => {
    const made = new RecordLog({ student: id, source: door, news: store, timers: browserTimers, random: Math.random });

    return {
      log: made,
      desk: new Desk({ student: id, actor: door, onAnswer: made.refresh }),
    };
  }, [id, store, door]);
  const subscribe = useCallback((told: () => void) => store.subscribe(id, told), [id, store]);
  const live = useSyncExternalStore(subscribe, () => store.session(id));
  const record = useSyncExternalStore(log.subscribe, log.getState);
  const acts = useSyncExternalStore(desk.subscribe, desk.getActs);
  const items = useMemo(() => timeline(record.entries), [record.entries]);

  return { session: live ?? record.session, record, items, acts, desk, refresh: log.refresh };
}
