// The record of one student, read as it grows. Each answer is asked for behind
// the last entry that is here, so nothing is loaded twice.

import { ApiError } from '../api-error';
import { Backoff } from '../backoff';
import type { Timers } from '../timers';
import type { Door } from '../wall/door';
import type { WallStore } from '../wall/store';
import type { FeedSession, RecordEntry, SessionRecord } from '../wire-invigilator';

export type RecordSource = Pick<Door, 'record'>;

/** What tells that there is something new. */
export type News = Pick<WallStore, 'session' | 'events' | 'subscribe'>;

export interface RecordState {
  entries: readonly RecordEntry[];
  /** As of the last answer; null before the first. */
  session: FeedSession | null;
  /** Whether entries are all that the server has, and none is still being written. */
  complete: boolean;
  /** The code of what the last attempt failed with. */
  failed: string | null;
}

export interface RecordLogOptions {
  student: string;
  source: RecordSource;
  news: News;
  timers: Timers;
  random: () => number;
}

/**
 * When to look after news of a student. What is recorded reaches the bucket a
 * moment later, the server's picture of a violation some seconds later, and that
 * of the page up to two minutes; nobody tells of those.
 */
const LOOKS_MS = [0, 1_000, 3_000, 8_000, 25_000, 90_000];

const RETRY = { firstMs: 1_000, maxMs: 30_000 };

const EMPTY: RecordState = { entries: [], session: null, complete: false, failed: null };

export class RecordLog {
  private readonly options: RecordLogOptions;
  private readonly told = new Set<() => void>();
  private readonly backoff: Backoff;
  private state = EMPTY;
  private looks: number[] = [];
  private timer: number | null = null;
  private asking = false;
  private stop: (() => void) | null = null;
  private seen = '';

  constructor(options: RecordLogOptions) {
    this.options = options;
    this.backoff = new Backoff({ ...RETRY, random: options.random });
  }

  readonly getState = (): RecordState => this.state;

  /** Reads while anybody listens. */
  readonly subscribe = (told: () => void): (() => void) => {
    this.told.add(told);
    if (this.told.size === 1) {
      this.open();
    }

    return () => {
      this.told.delete(told);
      if (this.told.size === 0) {
        this.close();
      }
    };
  };

  /** Looks now and for a while: somebody has done something, or wants to try again. */
  readonly refresh = (): void => {
    if (this.stop !== null) {
      this.looks = [...LOOKS_MS];
      this.next();
    }
  };

  private open(): void {
    const { news, student } = this.options;
    this.stop = news.subscribe(student, () => {
      const seen = factsOf(news, student);
      if (seen !== this.seen) {
        this.seen = seen;
        this.refresh();
      }
    });
    this.seen = factsOf(news, student);
    this.refresh();
  }

  private close(): void {
    this.stop?.();
    this.stop = null;
    this.clear();
  }

  private clear(): void {
    if (this.timer !== null) {
      this.options.timers.clear(this.timer);
      this.timer = null;
    }
  }

  /** Waits for the next look; one that is under way ends with another. */
  private next(): void {
    this.clear();
    const wait = this.looks[0];
    if (this.stop === null || this.asking || wait === undefined) {
      return;
    }
    this.timer = this.options.timers.set(() => {
      this.timer = null;
      this.looks.shift();
      void this.ask();
    }, wait);
  }

  private async ask(): Promise<void> {
    const { student, source } = this.options;
    this.asking = true;
    try {
      const answer = await source.record(student, this.state.entries.at(-1)?.seq ?? 0);
      this.backoff.reset();
      this.take(answer);
    } catch (cause) {
      this.fail(cause);
    }
    this.asking = false;
    this.next();
  }

  private take({ session, entries: answered, more = false, waiting = false }: SessionRecord): void {
    const last = this.state.entries.at(-1)?.seq ?? 0;
    const fresh = (answered ?? []).filter(({ seq }) => seq > last);
    this.set({
      entries: fresh.length === 0 ? this.state.entries : [...this.state.entries, ...fresh],
      session,
      complete: !more && !waiting,
      failed: null,
    });
    // Without anything new a server that says "more" would be asked for ever.
    if (more && fresh.length > 0) {
      this.looks.unshift(0);
    } else if (waiting && this.looks.length === 0) {
      this.looks.push(2_000);
    }
  }

  private fail(cause: unknown): void {
    const error = cause instanceof ApiError ? cause : new ApiError('Internal', String(cause));
    this.set({ ...this.state, failed: error.code });
    this.looks = error.transient ? [this.backoff.next(error.retryAfterMs), ...LOOKS_MS.slice(1)] : [];
  }

  private set(state: RecordState): void {
    this.state = state;
    for (const told of this.told) {
      told();
    }
  }
}

/** What of a session makes records: its clock and coverage run on without any. */
function factsOf(news: News, student: string): string {
  const { state, score, violations, observations, dismissed, endsAt } = news.session(student) ?? {};

  return JSON.stringify([state, score, violations, observations, dismissed, endsAt, news.events(student)[0]]);
}
