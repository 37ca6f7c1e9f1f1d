// What the wall knows of everybody, outside React: whoever shows one student
// listens to that student only. A session keeps its reference until something in
// it has changed, also over a snapshot that says everything again.

import type { ExamInfo } from '../wire';
import type { FeedMessage, FeedSession, Level, SessionState, ShardHealth, TakenAction } from '../wire-invigilator';

/** How the feed does. */
export type FeedConnection =
  /** Nothing has come yet. */
  | 'connecting'
  | 'open'
  /** It was lost, and is being made again. */
  | 'reconnecting'
  /** It waits for a token that the server accepts. */
  | 'unauthorised'
  /** The server will not have it again: this page speaks another version. */
  | 'refused';

export interface WallStatus {
  connection: FeedConnection;
  /** Whether scoring reaches its store. If not, scores are live, and not all is counted. */
  storeAvailable: boolean;
  shards: readonly ShardHealth[];
  /** When the last message came, on this page's clock; 0: none has. */
  updatedAt: number;
  /** What is shown may be old: the feed is not open, and was not for some seconds. */
  stale: boolean;
  /** The server's clock minus this page's, as of the last message. */
  clockOffsetMs: number;
}

export interface Counts {
  total: number;
  streaming: number;
  levels: Readonly<Record<Level, number>>;
  states: Readonly<Record<SessionState, number>>;
}

/** Something that has just happened to a student, the newest first in WallStore.events. */
export type WallEvent =
  | { kind: 'violation'; at: number; type: string; severity: string; number: number }
  | { kind: 'action'; at: number; action: TakenAction };

export const LEVELS: readonly Level[] = ['clear', 'watch', 'suspicious', 'critical'];
export const STATES: readonly SessionState[] = [
  'Enrolled', 'Joined', 'Live', 'Interrupted', 'Paused', 'Finished', 'Terminated',
];

/** How many events of one student are remembered; the record has all. */
const MAX_EVENTS = 20;
const NOTHING: readonly WallEvent[] = [];

type Listener = () => void;

export class WallStore {
  private readonly now: () => number;
  private readonly sessions = new Map<string, FeedSession>();
  private readonly recent = new Map<string, readonly WallEvent[]>();
  private readonly byId = new Map<string, Set<Listener>>();
  private readonly ofIds = new Set<Listener>();
  private readonly ofStatus = new Set<Listener>();
  private readonly ofExam = new Set<Listener>();
  private readonly ofCounts = new Set<Listener>();
  private readonly ofChanges = new Set<(ids: readonly string[]) => void>();
  private order: readonly string[] = [];
  private about: ExamInfo | null = null;
  private counted: Counts = countsOf([]);
  private current: WallStatus = {
    connection: 'connecting',
    storeAvailable: true,
    shards: [],
    updatedAt: 0,
    stale: false,
    clockOffsetMs: 0,
  };

  constructor(now: () => number) {
    this.now = now;
  }

  /** The same object until something in it has changed. */
  readonly session = (id: string): FeedSession | undefined => this.sessions.get(id);

  /** Called when session(id) or events(id) is another one. */
  readonly subscribe = (id: string, listener: Listener): (() => void) => {
    const listeners = this.byId.get(id) ?? new Set();
    this.byId.set(id, listeners);
    listeners.add(listener);

    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.byId.get(id) === listeners) {
        this.byId.delete(id);
      }
    };
  };

  /** Everybody, by id; the same array until somebody comes or goes. */
  readonly ids = (): readonly string[] => this.order;

  readonly subscribeIds = (listener: Listener): (() => void) => added(this.ofIds, listener);

  /** null until the first snapshot. */
  readonly exam = (): ExamInfo | null => this.about;

  readonly subscribeExam = (listener: Listener): (() => void) => added(this.ofExam, listener);

  readonly status = (): WallStatus => this.current;

  /** Not called for updatedAt and clockOffsetMs alone: who shows the age of the data looks at it now and then. */
  readonly subscribeStatus = (listener: Listener): (() => void) => added(this.ofStatus, listener);

  /** Its levels and states are the same objects until one of their numbers is another. */
  readonly counts = (): Counts => this.counted;

  readonly subscribeCounts = (listener: Listener): (() => void) => added(this.ofCounts, listener);

  /** What has happened since this page was opened, the newest first; the same array until there is more. */
  readonly events = (id: string): readonly WallEvent[] => this.recent.get(id) ?? NOTHING;

  /** Whose session or events are new, after each message; once for all of its students. */
  readonly subscribeChanges = (listener: (ids: readonly string[]) => void): (() => void) => {
    this.ofChanges.add(listener);

    return () => {
      this.ofChanges.delete(listener);
    };
  };

  /** Takes what the feed says. */
  apply(message: FeedMessage): void {
    const { at, exam, status } = message;
    const now = this.now();
    this.setStatus({
      updatedAt: now,
      clockOffsetMs: at - now,
      ...(status === undefined ? {} : { storeAvailable: status.storeAvailable, shards: status.shards ?? [] }),
    });
    if (exam !== undefined) {
      // Its clock is of the moment; only what people read is news.
      if (!same({ ...this.about, now: 0 }, { ...exam, now: 0 })) {
        this.about = exam;
        tell(this.ofExam);
      }
    }
    this.changed(this.take(message));
  }

  /** The feed's own news of its connection. */
  setStatus(news: Partial<WallStatus>): void {
    const before = this.current;
    const next = { ...before, ...news };
    if (same(next.shards, before.shards)) {
      next.shards = before.shards;
    }
    this.current = next;
    const { connection, stale, storeAvailable, shards } = before;
    if (
      next.connection !== connection ||
      next.stale !== stale ||
      next.storeAvailable !== storeAvailable ||
      next.shards !== shards
    ) {
      tell(this.ofStatus);
    }
  }

  /** Returns whose session or events are new. */
  private take(message: FeedMessage): Set<string> {
    switch (message.type) {
      case 'snapshot':
        return this.replace(message.sessions ?? []);
      case 'delta':
        return this.merge(message.sessions ?? [], message.removed ?? []);
      case 'violation':
        return this.violation(message);
      case 'action':
        return this.action(message.action);
      default:
        return new Set();
    }
  }

  private replace(sessions: readonly FeedSession[]): Set<string> {
    const there = new Set(sessions.map(({ student }) => student));

    return this.merge(sessions, this.order.filter((id) => !there.has(id)));
  }

  private merge(sessions: readonly FeedSession[], removed: readonly string[]): Set<string> {
    const changed = new Set<string>();
    let others = false;
    for (const session of sessions) {
      const { student } = session;
      const known = this.sessions.get(student);
      if (known === undefined || !same(known, session)) {
        others ||= known === undefined;
        this.sessions.set(student, session);
        changed.add(student);
      }
    }
    for (const student of removed) {
      if (this.sessions.delete(student)) {
        this.recent.delete(student);
        changed.add(student);
        others = true;
      }
    }
    if (others) {
      this.order = [...this.sessions.keys()].sort();
      tell(this.ofIds);
    }

    return changed;
  }

  /** A violation comes ahead of the delta that says the same of the whole session. */
  private violation({ at, student = '', violation, number = 0, score, level }: FeedMessage): Set<string> {
    const session = this.sessions.get(student);
    if (session === undefined || violation === undefined) {
      return new Set();
    }
    const { type, severity } = violation;
    this.sessions.set(student, {
      ...session,
      score: score ?? session.score,
      level: level ?? session.level,
    });
    this.remember(student, { kind: 'violation', at: violation.at === 0 ? at : violation.at, type, severity, number });

    return new Set([student]);
  }

  private action(action: TakenAction | undefined): Set<string> {
    if (action === undefined || !this.sessions.has(action.student)) {
      return new Set();
    }
    this.remember(action.student, { kind: 'action', at: action.at, action });

    return new Set([action.student]);
  }

  private remember(student: string, event: WallEvent): void {
    this.recent.set(student, [event, ...this.events(student)].slice(0, MAX_EVENTS));
  }

  /** Who shows levels alone is not told of states: each part keeps its reference. */
  private count(): void {
    const { counted } = this;
    const fresh = countsOf(this.sessions.values());
    if (!same(fresh, counted)) {
      this.counted = { ...fresh, levels: kept(counted.levels, fresh.levels), states: kept(counted.states, fresh.states) };
      tell(this.ofCounts);
    }
  }

  private changed(ids: Set<string>): void {
    if (ids.size === 0) {
      return;
    }
    this.count();
    for (const id of ids) {
      tell(this.byId.get(id));
    }
    const list = [...ids];
    for (const listener of this.ofChanges) {
      listener(list);
    }
  }
}

/** The old one, if it says the same. */
function kept<T>(old: T, fresh: T): T {
  return same(old, fresh) ? old : fresh;
}

function countsOf(sessions: Iterable<FeedSession>): Counts {
  const levels = { clear: 0, watch: 0, suspicious: 0, critical: 0 };
  const states = { Enrolled: 0, Joined: 0, Live: 0, Interrupted: 0, Paused: 0, Finished: 0, Terminated: 0 };
  let total = 0;
  let streaming = 0;
  for (const session of sessions) {
    total += 1;
    streaming += session.streaming ? 1 : 0;
    // A newer server may know others; they are in the total.
    if (session.level in levels) {
      levels[session.level] += 1;
    }
    if (session.state in states) {
      states[session.state] += 1;
    }
  }

  return { total, streaming, levels, states };
}

/** A set that changes while it is told would tell newcomers of what they know. */
function tell(listeners: Set<Listener> | undefined): void {
  for (const listener of [...(listeners ?? [])]) {
    listener();
  }
}

function added(listeners: Set<Listener>, listener: Listener): () => void {
  listeners.add(listener);

  return () => {
    listeners.delete(listener);
  };
}

/** Deep equality of what JSON can say; an absent field and an undefined one are the same. */
export function same(a: unknown, b: unknown): boolean {
  if (a === b) {
    return true;
  }
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null || Array.isArray(a) !== Array.isArray(b)) {
    return false;
  }
  const left = a as Record<string, unknown>;
  const right = b as Record<string, unknown>;
  for (const key of new Set([...Object.keys(left), ...Object.keys(right)])) {
    if (!same(left[key], right[key])) {
      return false;
    }
  }

  return true;
}
