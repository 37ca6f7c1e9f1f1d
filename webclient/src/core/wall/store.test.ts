import { beforeEach, expect, it, vi } from 'vitest';

import { same, WallStore } from './store';
import { delta, session, snapshot } from './testing';

let now: number;
let store: WallStore;

beforeEach(() => {
  now = 1_000_500;
  store = new WallStore(() => now);
  store.apply(snapshot([session('b'), session('a', { coverage: { observedMs: 5, gapsMs: { network: 1 } } }), session('c')]));
});

it('knows everybody by id', () => {
  expect(store.ids()).toEqual(['a', 'b', 'c']);
  expect(store.exam()?.title).toBe('Finals');
  expect(store.session('b')?.name).toBe('Name of b');
  expect(store.status()).toMatchObject({ updatedAt: 1_000_500, clockOffsetMs: -500, storeAvailable: true });
});

it('tells of the one who has changed, once, and keeps the others as they are', () => {
  const [a, b, ids] = [store.session('a'), store.session('b'), store.ids()];
  const told = { a: vi.fn(), b: vi.fn(), ids: vi.fn(), counts: vi.fn(), status: vi.fn(), changes: vi.fn() };
  store.subscribe('a', told.a);
  store.subscribe('b', told.b);
  store.subscribeIds(told.ids);
  store.subscribeCounts(told.counts);
  store.subscribeStatus(told.status);
  store.subscribeChanges(told.changes);
  store.apply(delta(session('b', { score: 7 })));
  expect(told.b).toHaveBeenCalledTimes(1);
  expect(told.changes.mock.calls).toEqual([[['b']]]);
  expect([told.a, told.ids, told.counts, told.status].map((fn) => fn.mock.calls.length)).toEqual([0, 0, 0, 0]);
  expect(store.session('a')).toBe(a);
  expect(store.session('b')).not.toBe(b);
  expect(store.ids()).toBe(ids);
});

it('a snapshot that says the same is no news, and one that does not replaces everybody', () => {
  const told = vi.fn();
  const before = store.session('a');
  store.subscribe('a', told);
  store.apply(snapshot([session('a', { coverage: { observedMs: 5, gapsMs: { network: 1 } } }), session('b'), session('c')]));
  expect(told).not.toHaveBeenCalled();
  expect(store.session('a')).toBe(before);
  store.apply(snapshot([session('b'), session('d')]));
  expect(store.ids()).toEqual(['b', 'd']);
  expect(store.session('a')).toBeUndefined();
  expect(told).toHaveBeenCalledTimes(1);
});

it('a delta removes who has left', () => {
  store.apply({ type: 'delta', at: 1, removed: ['a', 'nobody'] });
  expect(store.ids()).toEqual(['b', 'c']);
});

it('a violation is there at once, before the session says it', () => {
  const violation = { type: 'FocusLost', severity: 'medium', at: 99 };
  store.apply({ type: 'violation', at: 100, student: 'a', violation, number: 2, score: 30, level: 'suspicious' });
  expect(store.session('a')).toMatchObject({ score: 30, level: 'suspicious' });
  expect(store.events('a')).toEqual([{ kind: 'violation', at: 99, type: 'FocusLost', severity: 'medium', number: 2 }]);
  expect(store.counts().levels).toEqual({ clear: 2, watch: 0, suspicious: 1, critical: 0 });
  store.apply({ type: 'violation', at: 100, student: 'nobody', violation });
  expect(store.events('nobody')).toEqual([]);
});

it('what another invigilator did is an event, the newest first and not all of them', () => {
  for (let at = 1; at <= 30; at += 1) {
    store.apply({ type: 'action', at, action: { id: String(at), kind: 'warn', student: 'a', by: 'somebody', at } });
  }
  expect(store.events('a')).toHaveLength(20);
  expect(store.events('a')[0]?.at).toBe(30);
  expect(store.events('a')).toBe(store.events('a'));
});

it('levels and states keep their references while their numbers do', () => {
  const { levels, states } = store.counts();
  store.apply(delta(session('a', { state: 'Paused' })));
  expect(store.counts().levels).toBe(levels);
  expect(store.counts().states).not.toBe(states);
  expect(store.counts().states).toMatchObject({ Live: 2, Paused: 1 });
});

it('the exam is news when people would read something else', () => {
  const told = vi.fn();
  store.subscribeExam(told);
  const exam = { namespace: 'default', name: 'finals', title: 'Finals', now: 2 };
  store.apply(snapshot([], { exam }));
  expect(told).not.toHaveBeenCalled();
  store.apply(snapshot([], { exam: { ...exam, title: 'Finals II' } }));
  expect(told).toHaveBeenCalledTimes(1);
});

it('status is news when it says something else, not when time passes', () => {
  const told = vi.fn();
  store.subscribeStatus(told);
  now += 1_000;
  store.apply({ type: 'status', at: 2, status: { storeAvailable: true, shards: [{ name: 'sfu-0', ready: true, streaming: 0 }] } });
  expect(told).not.toHaveBeenCalled();
  expect(store.status().updatedAt).toBe(now);
  store.apply({ type: 'status', at: 2, status: { storeAvailable: false, shards: null } });
  store.setStatus({ stale: true });
  store.setStatus({ stale: true });
  expect(told).toHaveBeenCalledTimes(2);
  expect(store.status()).toMatchObject({ storeAvailable: false, shards: [], stale: true });
});

it('who has gone is told nothing', () => {
  const told = vi.fn();
  const leave = store.subscribe('a', told);
  leave();
  leave();
  store.apply(delta(session('a', { score: 1 })));
  expect(told).not.toHaveBeenCalled();
});

it('levels and states of a newer server are counted in the total only', () => {
  store.apply(delta(session('a', { level: 'purple' as never, state: 'Dreaming' as never })));
  expect(store.counts()).toMatchObject({ total: 3, levels: { clear: 2 }, states: { Live: 2 } });
});

it.each([
  [1, 1, true],
  [1, '1', false],
  [null, {}, false],
  [[], {}, false],
  [[1, 2], [1, 2], true],
  [[1, 2], [2, 1], false],
  [{ a: 1, b: undefined }, { a: 1 }, true],
  [{ a: { b: [{ c: 1 }] } }, { a: { b: [{ c: 1 }] } }, true],
  [{ a: { b: [{ c: 1 }] } }, { a: { b: [{ c: 2 }] } }, false],
])('%j and %j are the same: %s', (a, b, expected) => {
  expect(same(a, b)).toBe(expected);
});
