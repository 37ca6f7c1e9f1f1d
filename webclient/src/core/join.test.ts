import { beforeEach, describe, expect, it, vi } from 'vitest';

import { deviceId, join, remember, remembers, takeToken } from './join';
import { admission, json } from './testing';

class FakeStore {
  readonly items = new Map<string, string>();
  getItem(key: string): string | null {
    return this.items.get(key) ?? null;
  }
  setItem(key: string, value: string): void {
    this.items.set(key, value);
  }
}

const at = (hash: string, pathname = '/x/a/b/') => ({ hash, pathname, search: '' });

let store: FakeStore;

beforeEach(() => {
  store = new FakeStore();
});

describe('the token', () => {
  it('is taken from the address and removed there', () => {
    const history = { replaceState: vi.fn() };
    expect(takeToken(at('#t.o.k'), history, store)).toBe('t.o.k');
    expect(history.replaceState).toHaveBeenCalledWith(null, '', '/x/a/b/');
  });

  it('survives a reload, for this exam only', () => {
    const history = { replaceState: vi.fn() };
    takeToken(at('#t.o.k'), history, store);
    history.replaceState.mockClear();
    expect(takeToken(at(''), history, store)).toBe('t.o.k');
    expect(takeToken(at('', '/x/a/other/'), history, store)).toBeNull();
    expect(history.replaceState).not.toHaveBeenCalled();
  });

  it('of a new link replaces the stored one', () => {
    const history = { replaceState: vi.fn() };
    takeToken(at('#old'), history, store);
    takeToken(at('#new'), history, store);
    expect(takeToken(at('#'), history, store)).toBe('new');
  });
});

describe('the device', () => {
  const free = { request: vi.fn((_name: string, _options: unknown, run: () => unknown) => Promise.resolve(run())) };
  const taken = { request: vi.fn(() => Promise.reject(new DOMException('', 'TimeoutError'))) };
  const locks = (fake: unknown) => fake as LockManager;

  it('is made once per tab', async () => {
    expect(await deviceId('/x/a/b/', store, locks(free), () => 'one')).toBe('one');
    expect(await deviceId('/x/a/b/', store, locks(free), () => 'two')).toBe('one');
  });

  it('is another one in a duplicated tab', async () => {
    await deviceId('/x/a/b/', store, locks(free), () => 'one');
    expect(await deviceId('/x/a/b/', store, locks(taken), () => 'two')).toBe('two');
  });

  it('works without locks', async () => {
    expect(await deviceId('/x/a/b/', store, undefined, () => 'one')).toBe('one');
    expect(await deviceId('/x/a/b/', store, undefined, () => 'two')).toBe('one');
  });
});

it('consent is remembered for this exam', () => {
  expect(remembers('consent', '/x/a/b/', store)).toBe(false);
  remember('consent', '/x/a/b/', store);
  expect(remembers('consent', '/x/a/b/', store)).toBe(true);
  expect(remembers('consent', '/x/a/c/', store)).toBe(false);
  expect(remembers('entered', '/x/a/b/', store)).toBe(false);
});

describe('join', () => {
  const options = (fetcher: typeof fetch, now = () => 0) => ({
    fetcher, base: 'https://h.test/x/a/b/', token: 'link', device: 'd1', now,
  });

  it('posts the device with the link token, relative to the page', async () => {
    const fetcher = vi.fn<typeof fetch>(() => Promise.resolve(json(admission())));
    await join(options(fetcher));
    const [url, init] = fetcher.mock.calls[0] ?? [];
    expect(url).toHaveProperty('href', 'https://h.test/x/a/b/api/v1/join');
    expect(init).toMatchObject({ method: 'POST', headers: { Authorization: 'Bearer link' }, body: '{"device":"d1"}' });
  });

  it('sets the server clock against the middle of the call', async () => {
    const clock = [1_000, 1_400];
    const { clockOffsetMs } = await join(
      options(() => Promise.resolve(json(admission({ now: 5_000 }))), () => clock.shift() ?? 0),
    );
    expect(clockOffsetMs).toBe(3_800);
  });

  it.each<[string, () => Promise<Response>, object]>([
    ['code and Retry-After', () => Promise.resolve(json({ code: 'ExamNotOpen', message: 'm' }, 403, { 'Retry-After': '30' })),
      { code: 'ExamNotOpen', retryAfterMs: 30_000, transient: false }],
    ['a date in Retry-After', () => Promise.resolve(json({ code: 'RateLimited', message: '' }, 429, { 'Retry-After': 'Thu, 01 Jan 1970 00:00:05 GMT' })),
      { code: 'RateLimited', retryAfterMs: 5_000, transient: true }],
    ['a proxy without a code', () => Promise.resolve(new Response('<html>', { status: 502 })), { code: 'Internal', transient: true }],
    ['no network', () => Promise.reject(new TypeError('Failed to fetch')), { code: 'Network', transient: true }],
  ])('fails with %s', async (_name, fetcher, want) => {
    await expect(join(options(fetcher))).rejects.toMatchObject(want);
  });
});
