import { expect, it } from 'vitest';

import type { FeedSession, RecordEntry } from '../wire-invigilator';
import { plotRows } from './plot-rows';
import { series } from './series';
import { action, feedSession, state, violation } from './testing';

const NOW = 10_000;
const of = (entries: RecordEntry[], session: Partial<FeedSession> = {}, complete = true) =>
  series({ entries, session: feedSession(session), complete, now: NOW });

const dismiss = (seq: number, at: number, violated: string) => action(seq, at, { kind: 'dismiss', of: violated });
const FIRST = { at: 1_000, score: 0, sure: true };

it.each<[string, RecordEntry[], number, unknown[]]>([
  ['nothing', [], 0, [FIRST]],
  ['violations carry the score after them', [violation(1, 2_000), violation(2, 3_000, { score: 15 })], 15,
    [FIRST, { at: 2_000, score: 5, sure: true }, { at: 3_000, score: 15, sure: true }]],
  ['after the last dismissal the present score holds', [violation(1, 2_000), dismiss(2, 4_000, 'v-FocusLost-1')], 0,
    [FIRST, { at: 2_000, score: 5, sure: true }, { at: 4_000, score: 0, sure: true }]],
  ['a dismissal before another violation is not known until that',
    [violation(1, 2_000), dismiss(2, 3_000, 'v-FocusLost-1'), violation(3, 4_000, { score: 10 })], 10,
    [FIRST, { at: 2_000, score: 5, sure: true }, { at: 3_000, score: 5, sure: false }, { at: 4_000, score: 10, sure: true }]],
  ['of two dismissals only the last is known',
    [violation(1, 2_000), violation(2, 2_500, { score: 10 }), dismiss(3, 3_000, 'v-FocusLost-1'), dismiss(4, 4_000, 'v-FocusLost-2')], 0,
    [FIRST, { at: 2_000, score: 5, sure: true }, { at: 2_500, score: 10, sure: true },
      { at: 3_000, score: 10, sure: false }, { at: 4_000, score: 0, sure: true }]],
  ['what was restored from counts has no score', [violation(1, 2_000, { recovered: true, score: 0 }), violation(2, 3_000, { score: 10 })], 10,
    [FIRST, { at: 2_000, score: 0, sure: false }, { at: 3_000, score: 10, sure: true }]],
  ['a score that nothing on record explains', [violation(1, 2_000)], 3,
    [FIRST, { at: 2_000, score: 5, sure: false }, { at: NOW, score: 3, sure: true }]],
])('steps: %s', (_name, entries, score, want) => {
  expect(of(entries, { score }).steps).toEqual(want);
});

it('while the record is still read, the present score explains nothing', () => {
  const { steps } = of([violation(1, 2_000), dismiss(2, 4_000, 'v-FocusLost-1')], { score: 0 }, false);
  expect(steps.at(-1)).toEqual({ at: 4_000, score: 5, sure: false });
});

const COURSE = [
  state(1, 1_000, 'Enrolled', 'Joined', 'join'),
  state(2, 2_000, 'Joined', 'Live', 'socket and stream'),
  state(3, 5_000, 'Live', 'Interrupted', 'stream'),
  state(4, 6_000, 'Interrupted', 'Live', 'socket and stream'),
  state(5, 8_000, 'Live', 'Paused', 'action'),
];

it('bands follow the changes of state, up to now', () => {
  expect(of(COURSE, { state: 'Paused' }).bands.map(({ kind, from, until }) => [kind, from, until])).toEqual([
    ['before', 1_000, 2_000], ['live', 2_000, 5_000], ['interrupted', 5_000, 6_000], ['live', 6_000, 8_000], ['paused', 8_000, NOW],
  ]);
});

it('nothing is drawn after the end', () => {
  const { bands, until } = of([...COURSE, state(6, 9_000, 'Paused', 'Terminated', 'action')], { state: 'Terminated' });
  expect(bands.at(-1)).toMatchObject({ kind: 'paused', until: 9_000 });
  expect(until).toBe(9_000);
});

it.each([
  ['one cause', { network: 1_000 }, 'network'],
  ['several causes', { network: 500, sfu: 500 }, null],
  ['none', undefined, null],
])('a gap has a cause where all have the same: %s', (_name, gapsMs, cause) => {
  const coverage = { observedMs: 1, ...(gapsMs === undefined ? {} : { gapsMs }) };
  expect(of(COURSE, { coverage }).bands.find(({ kind }) => kind === 'interrupted')?.cause).toBe(cause);
});

it('without any record the present state is a band', () => {
  expect(of([]).bands).toEqual([{ kind: 'live', from: 1_000, until: NOW, why: '', cause: null }]);
});

it('who has not joined has no span', () => {
  const { from, until } = of([], { state: 'Enrolled', joinedAt: 0 });
  expect(until - from).toBe(0);
});

it('marks say what was dismissed, oldest first', () => {
  const { marks } = of([violation(1, 2_000), violation(2, 3_000, { severity: 'high' }), dismiss(3, 4_000, 'v-FocusLost-2')]);
  expect(marks.map(({ at, dismissed }) => [at, dismissed])).toEqual([[2_000, false], [3_000, true]]);
});

it('the rows say everything that the plot shows, once', () => {
  const shown = of([...COURSE, violation(6, 7_000), dismiss(7, 9_000, 'v-FocusLost-6')], { state: 'Paused' });
  const rows = plotRows(shown);
  expect(rows.filter(({ is }) => is === 'band')).toHaveLength(shown.bands.length);
  expect(rows.filter(({ is }) => is === 'violation')).toHaveLength(1);
  expect(rows.flatMap(({ step }) => step ?? [])).toEqual(shown.steps);
  expect(rows.map(({ at }) => at)).toEqual([...rows.map(({ at }) => at)].sort((a, b) => a - b));
});
