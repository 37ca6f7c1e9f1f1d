import { beforeEach, expect, it, vi } from 'vitest';

import { FakeTimers } from '../testing';
import { LOOK_MS, matches, NO_FILTER, standing, WallOrder } from './order';
import { WallStore } from './store';
import { delta, session, snapshot } from './testing';

let timers: FakeTimers;
let store: WallStore;
let order: WallOrder;

beforeEach(() => {
  timers = new FakeTimers();
  store = new WallStore(() => timers.now());
  order = new WallOrder(store, timers);
  store.apply(
    snapshot([session('1', { name: 'Zoë', score: 5 }), session('2', { name: 'ada', score: 40, level: 'suspicious' }), session('3', { name: 'Bob' })]),
  );
});

const ids = () => order.state().ids.join('');

it('sorts by name at first, and by score when asked to', () => {
  expect(ids()).toBe('231');
  order.sortBy('score');
  expect(ids()).toBe('213');
});

it('tiles do not jump: another score only says that the order is old', () => {
  order.sortBy('score');
  const told = vi.fn();
  order.subscribe(told);
  const before = order.state().ids;
  store.apply(delta(session('3', { name: 'Bob', score: 90, level: 'critical' })));
  timers.advance(LOOK_MS - 1);
  expect(told).not.toHaveBeenCalled();
  timers.advance(1);
  expect(order.state()).toMatchObject({ outdated: true });
  expect(order.state().ids).toBe(before);
  order.again();
  expect(ids()).toBe('321');
  expect(order.state().outdated).toBe(false);
});

it('a score that changes no order is nothing to render for', () => {
  order.sortBy('score');
  const told = vi.fn();
  order.subscribe(told);
  store.apply(delta(session('2', { name: 'ada', score: 50, level: 'suspicious' })));
  timers.advance(LOOK_MS * 10);
  expect(told).not.toHaveBeenCalled();
  expect(timers.pending).toBe(0);
});

it('who comes is at the end until asked, and who leaves is gone', () => {
  store.apply(delta(session('9', { name: 'Yan' }), session('0', { name: 'Aaron' })));
  expect(ids()).toBe('23109');
  store.apply({ type: 'delta', at: 1, removed: ['9'] });
  store.apply({ type: 'delta', at: 1, removed: ['3'] });
  expect(ids()).toBe('210');
  order.again();
  expect(ids()).toBe('021');
});

it('who matches later comes to the end, and who no longer does stays until asked', () => {
  order.filterBy({ ...NO_FILTER, levels: ['suspicious'] });
  expect(ids()).toBe('2');
  store.apply(delta(session('1', { name: 'Zoë', level: 'suspicious' }), session('2', { name: 'ada' })));
  expect(ids()).toBe('21');
  timers.advance(LOOK_MS);
  expect(order.state().outdated).toBe(true);
  order.again();
  expect(ids()).toBe('1');
});

it.each([
  [{ search: 'zoe' }, true],
  [{ search: ' S-1 ' }, true],
  [{ search: 'bob' }, false],
  [{ levels: ['watch', 'clear'] as const }, false],
  [{ levels: ['critical'] as const }, true],
  [{ states: ['Live', 'Paused'] as const }, true],
  [{ states: ['Finished'] as const }, false],
  [{ violation: 'FocusLost' }, true],
  [{ violation: 'Speaking' }, false],
  [{ violation: 'HeadTurned' }, false],
  [{ search: 'zoe', levels: ['clear'] as const }, false],
])('%j matches: %s', (filter, expected) => {
  const zoe = session('s-1', {
    name: 'Zoë',
    level: 'critical',
    violations: [{ type: 'FocusLost', count: 2, lastAt: 1 }, { type: 'HeadTurned', count: 1, lastAt: 1 }],
    dismissed: [{ type: 'FocusLost', count: 1, lastAt: 1 }, { type: 'HeadTurned', count: 1, lastAt: 1 }],
  });
  expect(matches(zoe, { ...NO_FILTER, ...filter })).toBe(expected);
  expect(standing(zoe, 'FocusLost')).toBe(1);
});
