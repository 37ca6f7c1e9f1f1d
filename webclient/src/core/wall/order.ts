// Which tiles there are, and in which order. Tiles do not jump: who is on the
// wall stays where they are until a person asks for another order, whatever scores
// and states do meanwhile. By itself the list only grows at its end, by those who
// match the filter since, and loses who left the roster. How far it has got from
// what the person asked for is told, so that they can ask again.

import type { Timers } from '../timers';
import type { FeedSession, Level, SessionState } from '../wire-invigilator';
import type { WallStore } from './store';

export type SortKey = 'name' | 'score';

export interface Filter {
  /** Of name or id, anywhere in it, whatever the case and accents. */
  search: string;
  /** Empty: all. */
  levels: readonly Level[];
  states: readonly SessionState[];
  /** A violation type that has counted and was not dismissed; '': any or none. */
  violation: string;
}

export interface OrderState {
  ids: readonly string[];
  sort: SortKey;
  filter: Filter;
  /** The list is not what asking again would give. */
  outdated: boolean;
}

export const NO_FILTER: Filter = { search: '', levels: [], states: [], violation: '' };

/** How soon a list that is out of order is called so; no more often is it looked at. */
export const LOOK_MS = 1_000;

export class WallOrder {
  private readonly store: WallStore;
  private readonly timers: Timers;
  private readonly listeners = new Set<() => void>();
  private readonly leave: () => void;
  private shown = new Set<string>();
  private current: OrderState = { ids: [], sort: 'name', filter: NO_FILTER, outdated: false };
  private begun = false;
  private timer: number | null = null;

  constructor(store: WallStore, timers: Timers) {
    this.store = store;
    this.timers = timers;
    this.leave = store.subscribeChanges((ids) => {
      this.changed(ids);
    });
    this.again();
  }

  stop(): void {
    this.leave();
    if (this.timer !== null) {
      this.timers.clear(this.timer);
    }
  }

  readonly state = (): OrderState => this.current;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);

    return () => {
      this.listeners.delete(listener);
    };
  };

  sortBy(sort: SortKey): void {
    this.current = { ...this.current, sort };
    this.again();
  }

  filterBy(filter: Filter): void {
    this.current = { ...this.current, filter };
    this.again();
  }

  /** Sorts and filters by how everybody is now. */
  again(): void {
    const ids = this.fresh();
    this.shown = new Set(ids);
    this.begun ||= ids.length > 0;
    this.become({ ...this.current, ids, outdated: false });
  }

  private fresh(): string[] {
    const { filter, sort } = this.current;
    const sessions = this.store.ids().flatMap((id) => this.store.session(id) ?? []);

    return sessions
      .filter((session) => matches(session, filter))
      .sort(by[sort])
      .map(({ student }) => student);
  }

  private changed(ids: readonly string[]): void {
    if (!this.begun) {
      this.again();

      return;
    }
    const { filter } = this.current;
    const arrived: string[] = [];
    const left = new Set<string>();
    for (const id of ids) {
      const session = this.store.session(id);
      if (session === undefined) {
        left.add(id);
      } else if (!this.shown.has(id) && matches(session, filter)) {
        arrived.push(id);
      }
    }
    arrived.sort((a, b) => this.compare(a, b));
    const stay = this.current.ids.filter((id) => !left.has(id));
    if (arrived.length > 0 || stay.length !== this.current.ids.length) {
      this.shown = new Set([...stay, ...arrived]);
      this.become({ ...this.current, ids: [...stay, ...arrived] });
    }
    this.timer ??= this.timers.set(() => {
      this.timer = null;
      this.look();
    }, LOOK_MS);
  }

  private compare(a: string, b: string): number {
    const [left, right] = [this.store.session(a), this.store.session(b)];

    return left === undefined || right === undefined ? 0 : by[this.current.sort](left, right);
  }

  private look(): void {
    const { ids, outdated } = this.current;
    const fresh = this.fresh();
    const differs = fresh.length !== ids.length || fresh.some((id, index) => id !== ids[index]);
    if (differs !== outdated) {
      this.become({ ...this.current, outdated: differs });
    }
  }

  private become(state: OrderState): void {
    this.current = state;
    for (const listener of [...this.listeners]) {
      listener();
    }
  }
}

const names = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' });

function byName(a: FeedSession, b: FeedSession): number {
  return names.compare(a.name, b.name) || names.compare(a.student, b.student);
}

const by: Record<SortKey, (a: FeedSession, b: FeedSession) => number> = {
  name: byName,
  score: (a, b) => b.score - a.score || byName(a, b),
};

export function matches(session: FeedSession, { search, levels, states, violation }: Filter): boolean {
  const wanted = plain(search.trim());

  return (
    (levels.length === 0 || levels.includes(session.level)) &&
    (states.length === 0 || states.includes(session.state)) &&
    (violation === '' || standing(session, violation) > 0) &&
    (wanted === '' || plain(session.name).includes(wanted) || plain(session.student).includes(wanted))
  );
}

/** How many violations of the type count. */
export function standing({ violations = [], dismissed = [] }: FeedSession, type: string): number {
  const of = (list: typeof violations) => list.find((one) => one.type === type)?.count ?? 0;

  return of(violations) - of(dismissed);
}

/** "Zoë" is found by "zoe". */
function plain(text: string): string {
  return text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();
}
