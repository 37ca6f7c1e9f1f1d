import { useEffect, useState, useSyncExternalStore } from 'react';

import type { ExamInfo } from '../../core/wire';
import type { WallStore } from '../../core/wall/store';
import type { FeedSession } from '../../core/wire-invigilator';

export function useExam(store: WallStore): ExamInfo | null {
  return useSyncExternalStore(store.subscribeExam, store.exam);
}

/** How often the table follows the feed, which changes ten times a second. */
const EVERY_MS = 1_000;

/** Everybody's session, at most once a second: a table that trembles cannot be read. */
export function useSessions(store: WallStore): readonly FeedSession[] {
  const [sessions, setSessions] = useState(() => read(store));
  useEffect(() => {
    let timer: number | null = null;
    const update = () => {
      timer = null;
      setSessions(read(store));
    };
    const stop = store.subscribeChanges(() => {
      timer ??= window.setTimeout(update, EVERY_MS);
    });
    update();

    return () => {
      stop();
      if (timer !== null) {
        window.clearTimeout(timer);
      }
    };
  }, [store]);

  return sessions;
}

function read(store: WallStore): readonly FeedSession[] {
  return store.ids().flatMap((id) => store.session(id) ?? []);
}

/** The server's clock, as far as this page knows it. */
export function serverNow(store: WallStore): number {
  return Date.now() + store.status().clockOffsetMs;
}
