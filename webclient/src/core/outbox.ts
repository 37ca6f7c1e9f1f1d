// Where violations wait for the server's acknowledgement, so that a page that is
// reloaded without net loses none. Only violations: the page's state is stated
// anew after a reload. Only in this browser, and not for long.

import type { ReportedViolation } from './wire';

export interface Kept {
  key: number;
  /**
   * Of the report that carries them; null while there is none yet, 0 if it was one
   * of a session that is over.
   */
  seq: number | null;
  violation: ReportedViolation;
}

export interface Outbox {
  nextKey(): number;
  /** Settles once they are kept, or cannot be: waiting must not hold up a report. */
  keep(kept: readonly Kept[]): Promise<void>;
  forget(kept: readonly Kept[]): void;
  /** All that is kept, oldest first, and what tabs that are gone have left. */
  recall(): Promise<Kept[]>;
}

export interface OutboxOptions {
  /** Absent or broken where the browser keeps nothing, as in some private windows. */
  factory: IDBFactory | undefined;
  /** Whose these are: the exam and the tab's device. */
  owner: string;
  /** Which link they are of, without telling it; null: nothing is taken over. */
  link?: string | null;
  /** The owners that have a tab now; what they keep is theirs. */
  alive?: (() => Promise<ReadonlySet<string>>) | undefined;
  now: () => number;
  limit?: number;
}

const DATABASE = 'invigil';
const STORE = 'outbox';
/** A database that does not answer is done without. */
const PATIENCE_MS = 1_000;
/** What another tab left behind goes after this. */
const FORGET_MS = 7 * 24 * 60 * 60 * 1_000;
const LIMIT = 1_000;

interface Row extends Kept {
  owner: string;
  link: string | null;
  at: number;
}

export class IndexedDBOutbox implements Outbox {
  private readonly options: OutboxOptions;
  private readonly opened: Promise<IDBDatabase | null>;
  private last = 0;

  constructor(options: OutboxOptions) {
    this.options = options;
    this.opened = patiently(open(options.factory));
  }

  /** Rising over reloads too, as time does. */
  nextKey(): number {
    this.last = Math.max(this.last + 1, this.options.now());

    return this.last;
  }

  async keep(kept: readonly Kept[]): Promise<void> {
    const { limit = LIMIT, link = null, now, owner } = this.options;
    await this.write((store) => {
      for (const { key, seq, violation } of kept) {
        store.put({ owner, link, key, seq, violation, at: now() } satisfies Row);
      }
      const count = store.count(this.own());
      count.onsuccess = () => {
        dropFirst(store, this.own(), count.result - limit);
      };
    });
  }

  forget(kept: readonly Kept[]): void {
    if (kept.length > 0) {
      void this.write((store) => {
        for (const { key } of kept) {
          store.delete([this.options.owner, key]);
        }
      });
    }
  }

  async recall(): Promise<Kept[]> {
    const database = await this.opened;
    if (database === null) {
      return [];
    }
    const rows = await patiently(
      new Promise<Row[]>((resolve, reject) => {
        const request = database.transaction(STORE).objectStore(STORE).getAll();
        request.onsuccess = () => {
          resolve(request.result as Row[]);
        };
        request.onerror = () => {
          reject(new Error('the outbox cannot be read'));
        };
      }),
    );
    const { now, owner } = this.options;
    const old = (rows ?? []).filter(({ at }) => now() - at > FORGET_MS);
    void this.write((store) => {
      for (const row of old) {
        store.delete([row.owner, row.key]);
      }
    });

    const own = (rows ?? [])
      .filter((row) => row.owner === owner && !old.includes(row))
      .map(({ key, seq, violation }): Kept => ({ key, seq, violation }));
    const left = (rows ?? []).filter((row) => row.owner !== owner && !old.includes(row));

    return [...own, ...(await this.takeOver(left))];
  }

  /**
   * Takes what tabs of the same link have left that never was in a report. What was
   * in one may have been counted, in a session that nobody can ask any more: it stays
   * and goes with time, since a violation must not be counted twice.
   */
  private async takeOver(left: readonly Row[]): Promise<Kept[]> {
    const { alive, link = null, owner } = this.options;
    const candidates = left.filter((row) => link !== null && row.link === link && row.seq === null);
    if (alive === undefined || candidates.length === 0) {
      return [];
    }
    const here = await patiently(alive());
    if (here === null) {
      return [];
    }
    const taken: Kept[] = [];
    await this.write((store) => {
      for (const row of candidates.filter((one) => !here.has(one.owner))) {
        // Another new tab may have been first: then it is gone.
        const still = store.get([row.owner, row.key]) as IDBRequest<Row | undefined>;
        still.onsuccess = () => {
          if (still.result?.seq === null) {
            const kept: Kept = { key: this.nextKey(), seq: null, violation: row.violation };
            store.delete([row.owner, row.key]);
            store.put({ ...row, ...kept, owner } satisfies Row);
            taken.push(kept);
          }
        };
      }
    });

    return taken;
  }

  private own(): IDBKeyRange {
    const { owner } = this.options;

    return IDBKeyRange.bound([owner, 0], [owner, Infinity]);
  }

  private async write(change: (store: IDBObjectStore) => void): Promise<void> {
    const database = await this.opened;
    if (database === null) {
      return;
    }
    await patiently(
      new Promise<void>((resolve) => {
        const transaction = database.transaction(STORE, 'readwrite');
        // A full disk costs what a reload would lose, and nothing else.
        transaction.oncomplete = transaction.onabort = () => {
          resolve();
        };
        change(transaction.objectStore(STORE));
      }),
    );
  }
}

function dropFirst(store: IDBObjectStore, range: IDBKeyRange, excess: number): void {
  if (excess <= 0) {
    return;
  }
  let left = excess;
  const cursor = store.openCursor(range);
  cursor.onsuccess = () => {
    if (cursor.result !== null && left > 0) {
      left -= 1;
      cursor.result.delete();
      cursor.result.continue();
    }
  };
}

function open(factory: IDBFactory | undefined): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    if (factory === undefined) {
      reject(new Error('no IndexedDB'));

      return;
    }
    const request = factory.open(DATABASE, 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore(STORE, { keyPath: ['owner', 'key'] });
    };
    request.onsuccess = () => {
      resolve(request.result);
    };
    request.onerror = () => {
      reject(new Error('IndexedDB does not open'));
    };
  });
}

/** The value, or null when it fails or takes too long. */
function patiently<T>(promise: Promise<T>): Promise<T | null> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      resolve(null);
    }, PATIENCE_MS);
    promise.then(
      (value) => {
        clearTimeout(timer);
        resolve(value);
      },
      () => {
        clearTimeout(timer);
        resolve(null);
      },
    );
  });
}
