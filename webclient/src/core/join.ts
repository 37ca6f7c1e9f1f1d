// Who the student is (the link's token), which tab this is (the device), and the
// call that admits them.

import { call } from './api-error';
import type { Remembered } from './session';
import type { JoinResponse } from './wire';

type Store = Pick<Storage, 'getItem' | 'setItem'>;

/** Keys carry the exam's path: one origin may serve several exams. */
function key(name: string, path: string): string {
  return `invigil.${name}:${path}`;
}

/**
 * Takes the token from the address and removes it there, so that it shows in no
 * screenshot, shared screen or history entry. It survives a reload in the tab's
 * own storage. A new link in the same tab replaces the stored one.
 */
export function takeToken(
  location: Pick<Location, 'hash' | 'pathname' | 'search'>,
  history: Pick<History, 'replaceState'>,
  store: Store,
): string | null {
  const token = location.hash.replace(/^#/, '').trim();
  if (token === '') {
    return store.getItem(key('token', location.pathname));
  }
  store.setItem(key('token', location.pathname), token);
  history.replaceState(null, '', location.pathname + location.search);

  return token;
}

type Locks = Pick<LockManager, 'request'>;

/**
 * The random id of this tab. Browsers copy sessionStorage when a tab is
 * duplicated, which would make two tabs one device; a lock held for the tab's
 * lifetime tells them apart, and the copy gets an id of its own.
 */
export async function deviceId(
  path: string,
  store: Store,
  locks: Locks | undefined,
  random: () => string,
): Promise<string> {
  const stored = store.getItem(key('device', path));
  if (stored !== null && (await holdForever(locks, stored))) {
    return stored;
  }
  const fresh = random();
  store.setItem(key('device', path), fresh);
  await holdForever(locks, fresh);

  return fresh;
}

const DEVICE_LOCK = 'invigil.device:';

/** The devices that have a tab in this browser now. */
export async function devicesHere(locks: Pick<LockManager, 'query'>): Promise<string[]> {
  const { held = [] } = await locks.query();

  return held.flatMap(({ name = '' }) => (name.startsWith(DEVICE_LOCK) ? [name.slice(DEVICE_LOCK.length)] : []));
}

/** How long a reload waits for the page before it to let go of the lock. */
const LOCK_PATIENCE_MS = 1_000;

function holdForever(locks: Locks | undefined, device: string): Promise<boolean> {
  if (locks === undefined) {
    return Promise.resolve(true);
  }

  return new Promise((resolve) => {
    const patience = AbortSignal.timeout(LOCK_PATIENCE_MS);
    locks
      .request(DEVICE_LOCK + device, { signal: patience }, () => {
        resolve(true);

        return new Promise(() => {
          // Never resolved: the browser releases the lock with the page.
        });
      })
      .catch(() => {
        resolve(false);
      });
  });
}

/** Whether this tab has got so far before a reload. */
export function remembers(step: Remembered, path: string, store: Store): boolean {
  return store.getItem(key(step, path)) === 'yes';
}

export function remember(step: Remembered, path: string, store: Store): void {
  store.setItem(key(step, path), 'yes');
}

export interface JoinOptions {
  fetcher: typeof fetch;
  base: string;
  token: string;
  device: string;
  now: () => number;
}

export interface Admission {
  response: JoinResponse;
  /** The server's clock minus the page's. */
  clockOffsetMs: number;
}

export async function join(options: JoinOptions): Promise<Admission> {
  const { fetcher, base, token, device, now } = options;
  const sentAt = now();
  const answer = await call(
    fetcher,
    new URL('api/v1/join', base),
    {
      method: 'POST',
      headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
      body: JSON.stringify({ device }),
      cache: 'no-store',
    },
    now,
  );
  // The server read its clock somewhere between the two moments.
  const middle = (sentAt + now()) / 2;
  const response = (await answer.json()) as JoinResponse;

  return { response, clockOffsetMs: response.exam.now - middle };
}
