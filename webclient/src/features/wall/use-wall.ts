// Hooks that adapt core to React: each listens to what its component shows and
// to nothing else.

import { useCallback, useEffect, useState, useSyncExternalStore } from 'react';

import type { OrderState, WallOrder } from '../../core/wall/order';
import type { Picture, Slots } from '../../core/wall/slots';
import type { Counts, WallStatus, WallStore } from '../../core/wall/store';
import type { TileView } from '../../core/wall/tile-view';
import type { TokenKeeper, TokenState } from '../../core/wall/token';
import type { Wall, Watching } from '../../core/wall/wall';
import type { ExamInfo } from '../../core/wire';

/** One student's tile, rendered anew when its words change. */
export function useTile({ store, views }: Wall, id: string): TileView | null {
  const subscribe = useCallback((told: () => void) => store.subscribe(id, told), [store, id]);
  const get = useCallback(() => views.view(id), [views, id]);

  return useSyncExternalStore(subscribe, get);
}

export function usePicture(slots: Slots, id: string): Picture {
  const subscribe = useCallback((told: () => void) => slots.subscribe(id, told), [slots, id]);
  const get = useCallback(() => slots.picture(id), [slots, id]);

  return useSyncExternalStore(subscribe, get);
}

export function useOrder(order: WallOrder): OrderState {
  return useSyncExternalStore(order.subscribe, order.state);
}

export function useStatus(store: WallStore): WallStatus {
  return useSyncExternalStore(store.subscribeStatus, store.status);
}

/** One part of the counts: what is rendered is what has changed. */
export function useCount<K extends keyof Counts>(store: WallStore, part: K): Counts[K] {
  return useSyncExternalStore(store.subscribeCounts, () => store.counts()[part]);
}

export function useExam(store: WallStore): ExamInfo | null {
  return useSyncExternalStore(store.subscribeExam, store.exam);
}

export function useToken(keeper: TokenKeeper): TokenState {
  return useSyncExternalStore(keeper.subscribe, keeper.state);
}

export function useWatching(wall: Wall): Watching {
  return useSyncExternalStore(wall.subscribe, wall.watching);
}

/** When the last message came, looked at once a second: messages are too many to render for. */
export function useUpdatedAt(store: WallStore): number {
  const [at, setAt] = useState(() => store.status().updatedAt);
  useEffect(() => {
    const look = () => {
      setAt(Math.floor(store.status().updatedAt / 1_000) * 1_000);
    };
    look();
    const timer = window.setInterval(look, 1_000);

    return () => {
      window.clearInterval(timer);
    };
  }, [store]);

  return at;
}
