import { expect, it, vi } from 'vitest';

import { WallStore } from './store';
import { delta, session, snapshot } from './testing';
import { tileView, TileViews } from './tile-view';

const counted = (count: number, lastAt: number) => [{ type: 'FocusLost', count, lastAt }];

it('says the last of what was noted, whichever source knows it first', () => {
  const known = session('a', { violations: [...counted(1, 50), { type: 'Speaking', count: 1, lastAt: 70 }] });
  expect(tileView(known, []).last).toEqual({ type: 'Speaking', at: 70 });
  const event = { kind: 'violation', at: 90, type: 'FocusLost', severity: 'medium', number: 2 } as const;
  expect(tileView(known, [event]).last).toEqual({ type: 'FocusLost', at: 90 });
  expect(tileView(session('a'), []).last).toBeNull();
});

it('coverage is in whole percent, and none before the student was live', () => {
  expect(tileView(session('a'), []).coverage).toBeNull();
  expect(tileView(session('a', { coverage: { observedMs: 0 } }), []).coverage).toBeNull();
  expect(tileView(session('a', { coverage: { observedMs: 998, gapsMs: { network: 1, sfu: 1 } } }), []).coverage).toBe(99);
});

it('one violation is one other view, though violation and session tell it twice', () => {
  const store = new WallStore(() => 1);
  const views = new TileViews(store);
  store.apply(snapshot([session('a'), session('b')]));
  const [first, other] = [views.view('a'), views.view('b')];
  const rendered = vi.fn();
  store.subscribe('a', () => {
    rendered(views.view('a'));
  });
  const violation = { type: 'FocusLost', severity: 'medium', at: 9 };
  store.apply({ type: 'violation', at: 10, student: 'a', violation, number: 1, score: 5, level: 'clear' });
  const second = views.view('a');
  store.apply(delta(session('a', { score: 5, violations: counted(1, 9), lastSeenAt: 4, coverage: { observedMs: 0 } })));
  expect(second).not.toBe(first);
  expect(views.view('a')).toBe(second);
  expect(views.view('b')).toBe(other);
  expect(new Set(rendered.mock.calls.map(([view]) => view as unknown)).size).toBe(1);
  store.apply({ type: 'delta', at: 1, removed: ['a'] });
  expect(views.view('a')).toBeNull();
});
