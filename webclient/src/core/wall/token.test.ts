import { beforeEach, expect, it } from 'vitest';

import { examPathOf, expiry, takeFragment, TokenKeeper } from './token';

const EXAM = '/x/default/finals/';

/** Tabs of one browser: what one says all others hear. */
class Tabs {
  private readonly channels: BroadcastChannel[] = [];

  open(fresh: string | null, kept = new Map<string, string>()): TokenKeeper {
    const channel = { onmessage: null, postMessage: (data: unknown) => { this.say(channel, data); } } as unknown as BroadcastChannel;
    this.channels.push(channel);
    const store = {
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, value: string) => void kept.set(key, value),
      removeItem: (key: string) => void kept.delete(key),
    };

    return new TokenKeeper({ examPath: EXAM, store, channel }, fresh);
  }

  private say(from: BroadcastChannel, data: unknown): void {
    for (const channel of this.channels) {
      if (channel !== from) {
        channel.onmessage?.({ data } as MessageEvent);
      }
    }
  }
}

const jwt = (exp: number, name = '') => `${btoa('{}')}.${btoa(JSON.stringify({ exp, name }))}.signature`;

let tabs: Tabs;

beforeEach(() => {
  tabs = new Tabs();
});

it('is kept for a reload, and a fresh one takes its place', () => {
  const kept = new Map<string, string>();
  expect(tabs.open(jwt(1), kept).token).toBe(jwt(1));
  expect(tabs.open(null, kept).token).toBe(jwt(1));
  expect(tabs.open(jwt(2), kept).token).toBe(jwt(2));
});

it('a tab that has none asks the others', () => {
  tabs.open(jwt(1));
  expect(tabs.open(null).token).toBe(jwt(1));
  expect(new Tabs().open(null).state()).toEqual({ name: 'missing' });
});

it('an expired tab goes on with what another one was opened with', () => {
  const old = tabs.open(jwt(1));
  let told = 0;
  old.subscribe(() => {
    told += 1;
  });
  old.rejected(jwt(1), 'TokenExpired');
  expect(old.state()).toEqual({ name: 'expired' });
  tabs.open(jwt(2));
  expect(old.token).toBe(jwt(2));
  expect(told).toBe(2);
});

it('one that was refused is not taken back from a tab that has not noticed', () => {
  const first = tabs.open(jwt(1));
  const second = tabs.open(null);
  first.rejected(jwt(1), 'TokenExpired');
  expect(first.token).toBeNull();
  expect(second.token).toBe(jwt(1));
  second.rejected(jwt(1), 'Forbidden');
  expect(second.state()).toEqual({ name: 'refused', code: 'Forbidden' });
});

it('an older one from another tab is not taken, nor a word about one that is gone', () => {
  const keeper = tabs.open(jwt(5));
  tabs.open(jwt(4));
  expect(keeper.token).toBe(jwt(5));
  keeper.rejected(jwt(4), 'TokenExpired');
  expect(keeper.token).toBe(jwt(5));
});

it.each([
  ['nonsense', 0],
  ['a.b.c', 0],
  [jwt(17), 17],
  [`x.${btoa('{"exp":"soon"}')}.y`, 0],
])('expiry of %s', (token, expected) => {
  expect(expiry(token)).toBe(expected);
});

it('leaves the address at once', () => {
  const location = { hash: '#secret', pathname: `${EXAM}wall`, search: '?student=a' };
  const shown: unknown[] = [];
  const history = { replaceState: (_data: unknown, _title: string, url?: string | URL | null) => void shown.push(url) };
  expect(takeFragment(location, history)).toBe('secret');
  expect(shown).toEqual([`${EXAM}wall?student=a`]);
  expect(takeFragment({ ...location, hash: '' }, history)).toBeNull();
  expect(examPathOf(`${EXAM}wall`)).toBe(EXAM);
});
