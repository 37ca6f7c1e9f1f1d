// The wall as a whole, outside React: it asks how to watch, and has the parts that
// the page shows. Scores come by the feed whether or not there are pictures.

import { ApiError } from '../api-error';
import { Backoff } from '../backoff';
import type { Timers } from '../timers';
import type { WallConfig } from '../wire-invigilator';
import type { Door } from './door';
import type { Feed } from './feed';
import { WallOrder } from './order';
import type { Slots } from './slots';
import type { WallStore } from './store';
import { TileViews } from './tile-view';
import type { TokenKeeper } from './token';

export type Watching =
  | { name: 'asking' }
  | { name: 'ready'; config: WallConfig; slots: Slots }
  /** It is asked again by itself. */
  | { name: 'failed'; code: string };

export interface WallOptions {
  keeper: TokenKeeper;
  store: WallStore;
  door: Door;
  feed: Feed;
  /** <namespace>/<name>, as the address has it. */
  examName: string;
  createSlots: (config: WallConfig) => Slots;
  timers: Timers;
  random: () => number;
}

export class Wall {
  readonly keeper: TokenKeeper;
  readonly store: WallStore;
  readonly door: Door;
  readonly order: WallOrder;
  readonly views: TileViews;
  readonly examName: string;
  private readonly options: WallOptions;
  private readonly backoff: Backoff;
  private readonly listeners = new Set<() => void>();
  private current: Watching = { name: 'asking' };
  private timer: number | null = null;
  private asking = false;

  constructor(options: WallOptions) {
    this.options = options;
    const { door, examName, keeper, random, store, timers } = options;
    this.keeper = keeper;
    this.store = store;
    this.door = door;
    this.examName = examName;
    this.order = new WallOrder(store, timers);
    this.views = new TileViews(store);
    this.backoff = new Backoff({ firstMs: 1_000, maxMs: 30_000, random });
    keeper.subscribe(() => {
      this.hurry();
    });
  }

  start(): void {
    this.options.feed.start();
    void this.ask();
  }

  readonly watching = (): Watching => this.current;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);

    return () => {
      this.listeners.delete(listener);
    };
  };

  /** Network or token may be back. */
  hurry(): void {
    const { current } = this;
    if (current.name === 'ready') {
      current.slots.hurry();
    } else {
      void this.ask();
    }
    this.options.feed.hurry();
  }

  /** The device has slept; sockets may be dead without a word. */
  woken(): void {
    this.options.feed.reconnect();
    this.hurry();
  }

  setVisible(visible: boolean): void {
    if (this.current.name === 'ready') {
      this.current.slots.setVisible(visible);
    }
  }

  private async ask(): Promise<void> {
    const { createSlots, door, keeper, timers } = this.options;
    if (this.asking || keeper.token === null) {
      return;
    }
    this.asking = true;
    if (this.timer !== null) {
      timers.clear(this.timer);
      this.timer = null;
    }
    try {
      const config = await door.config();
      this.become({ name: 'ready', config, slots: createSlots(config) });
    } catch (error) {
      this.become({ name: 'failed', code: error instanceof ApiError ? error.code : 'Internal' });
      this.timer = timers.set(() => {
        this.timer = null;
        void this.ask();
      }, this.backoff.next(error instanceof ApiError ? error.retryAfterMs : 0));
    } finally {
      this.asking = false;
    }
  }

  private become(state: Watching): void {
    this.current = state;
    for (const listener of [...this.listeners]) {
      listener();
    }
  }
}
