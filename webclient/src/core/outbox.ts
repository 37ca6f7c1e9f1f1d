// Where violations wait for the server's acknowledgement, so that a page that is
// reloaded without net loses none. Only violations: the page's state is stated
// anew after a reload. Only in this browser, and not for long.

import type { ReportedViolation } from './wire';

export interface Kept {
  key: number;
  /** Of the report that carries them; null while there is none yet. */
  seq: number | null;
  violation: ReportedViolation;
}

export interface Outbox {
  nextKey(): number;
  /** Settles once they are kept, or cannot be: waiting must not hold up a report. */
  keep(kept: readonly Kept[]): Promise<void>;
  forget(kept: readonly Kept[]): void;
  /** All that is kept, oldest first. */
  recall(): Promise<Kept[]>;
}

export interface OutboxOptions {
  /** Absent or broken where the browser keeps nothing, as in some private windows. */
  factory: IDBFactory | undefined;
  /** Whose these are: the exam and the tab's device. */
  owner: string;
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
    const { limit = LIMIT, now, owner } = this.options;
    await this.write((store) => {
      for (const { key, seq, violation } of kept) {
        store.put({ owner, key, seq, violation, at: now() } satisfies Row);
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

    return (rows ?? [])
      .filter((row) => row.owner === owner && !old.includes(row))
      .map(({ key, seq, violation }) => ({ key, seq, violation }));
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
