// Pictures of the record while they are looked at: each is fetched once, a few at
// a time, and its object URL lives as long as somebody shows it.

import { ApiError } from '../api-error';
import type { Timers } from '../timers';
import type { Door } from '../wall/door';

export type PictureState =
  | { is: 'loading' }
  | { is: 'shown'; url: string }
  /** Was never kept, or has expired since the record was read. */
  | { is: 'gone' }
  | { is: 'failed'; code: string };

export type PictureSource = Pick<Door, 'picture'>;

export interface PicturesOptions {
  source: PictureSource;
  timers: Timers;
  /** URL.createObjectURL and URL.revokeObjectURL. */
  urls: { make(blob: Blob): string; revoke(url: string): void };
}

/** So many are fetched at a time. */
const AT_A_TIME = 4;
/** What to wait at least where the server has been asked for too many. */
const TOO_MANY_MS = 1_000;

interface Held {
  state: PictureState;
  told: Set<() => void>;
}

const LOADING: PictureState = { is: 'loading' };

export class Pictures {
  private readonly options: PicturesOptions;
  private readonly held = new Map<string, Held>();
  private queue: string[] = [];
  private running = 0;

  constructor(options: PicturesOptions) {
    this.options = options;
  }

  readonly getState = (sha256: string): PictureState => this.held.get(sha256)?.state ?? LOADING;

  /** Fetches it, and keeps it until the last of those who asked lets go. */
  readonly subscribe = (sha256: string, told: () => void): (() => void) => {
    let held = this.held.get(sha256);
    if (held === undefined) {
      held = { state: LOADING, told: new Set() };
      this.held.set(sha256, held);
      this.queue.push(sha256);
      this.pump();
    }
    const { told: all } = held;
    all.add(told);

    return () => {
      all.delete(told);
      if (all.size === 0) {
        this.drop(sha256);
      }
    };
  };

  /** Fetches one again that has failed. */
  readonly again = (sha256: string): void => {
    if (this.getState(sha256).is === 'failed') {
      this.settle(sha256, LOADING);
      this.queue.push(sha256);
      this.pump();
    }
  };

  private drop(sha256: string): void {
    const held = this.held.get(sha256);
    if (held?.state.is === 'shown') {
      this.options.urls.revoke(held.state.url);
    }
    this.held.delete(sha256);
    this.queue = this.queue.filter((waiting) => waiting !== sha256);
  }

  private pump(): void {
    while (this.running < AT_A_TIME) {
      const sha256 = this.queue.shift();
      if (sha256 === undefined) {
        return;
      }
      this.running += 1;
      void this.fetch(sha256);
    }
  }

  private async fetch(sha256: string): Promise<void> {
    const held = this.held.get(sha256);
    let state: PictureState;
    try {
      const blob = await this.options.source.picture(sha256);
      // Dropped meanwhile, or asked for anew by somebody else: no URL that nobody revokes.
      state = held !== undefined && this.held.get(sha256) === held ? { is: 'shown', url: this.options.urls.make(blob) } : LOADING;
    } catch (cause) {
      const error = cause instanceof ApiError ? cause : new ApiError('Internal', '');
      if (error.code === 'RateLimited') {
        this.later(sha256, held, error.retryAfterMs);

        return;
      }
      state = error.code === 'NotFound' ? { is: 'gone' } : { is: 'failed', code: error.code };
    }
    if (held !== undefined && this.held.get(sha256) === held) {
      this.settle(sha256, state);
    }
    this.running -= 1;
    this.pump();
  }

  /** Keeps its place among those under way, so that the others wait too. */
  private later(sha256: string, held: Held | undefined, retryAfterMs: number): void {
    this.options.timers.set(() => {
      this.running -= 1;
      if (held !== undefined && this.held.get(sha256) === held) {
        this.queue.unshift(sha256);
      }
      this.pump();
    }, Math.max(TOO_MANY_MS, retryAfterMs));
  }

  private settle(sha256: string, state: PictureState): void {
    const held = this.held.get(sha256);
    if (held !== undefined) {
      held.state = state;
      for (const told of held.told) {
        told();
      }
    }
  }
}
