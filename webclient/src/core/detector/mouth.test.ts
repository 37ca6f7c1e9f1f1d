import { beforeEach, expect, it } from 'vitest';

import { MouthMovement } from './mouth';
import { seeded } from './testing';
import { DEFAULT_THRESHOLDS as T } from './thresholds';

let mouth: MouthMovement;

beforeEach(() => {
  mouth = new MouthMovement({
    windowMs: T.mouthWindowMs,
    minSamples: T.mouthMinSamples,
    swing: T.mouthSwing,
    enterTurns: T.mouthEnterTurns,
    leaveTurns: T.mouthLeaveTurns,
  });
});

/** Five looks a second at a gap that is a function of the time in seconds. */
function watch(seconds: number, gap: (at: number) => number, from = 0) {
  const told = [];
  for (let at = from; at < from + seconds * 1_000; at += 200) {
    told.push(mouth.observe(at, gap(at / 1_000)));
  }

  return told;
}

/** Syllables: about three a second, each opening and closing the mouth. */
const speech = (at: number) => 0.1 + 0.1 * Math.sin(2 * Math.PI * 1.7 * at);

it('says nothing before it has seen enough', () => {
  expect(watch(1, speech)).toEqual(Array(5).fill(undefined));
});

it('speech is noticed and goes on', () => {
  const told = watch(5, speech);
  expect(told.slice(10)).toEqual(Array(15).fill(true));
});

it('and ends when the mouth is closed', () => {
  watch(4, speech);
  expect(watch(4, () => 0.02, 4_000).slice(-10)).toEqual(Array(10).fill(false));
});

it.each([
  ['a closed mouth', () => 0.02],
  ['an open one', () => 0.4],
  ['a yawn', (at: number) => 0.5 * Math.max(0, Math.sin((at * Math.PI) / 4))],
  ['a smile', (at: number) => (at > 2 ? 0.12 : 0.02)],
])('%s is not speech', (_name, gap) => {
  expect(watch(8, gap)).not.toContain(true);
});

it('the tremble of the landmarks is not', () => {
  const random = seeded(3);
  expect(watch(600, () => 0.02 + 0.02 * random())).not.toContain(true);
});

it('too few looks tell nothing', () => {
  const told = [];
  for (let at = 0; at < 20_000; at += 1_000) {
    told.push(mouth.observe(at, speech(at / 700)));
  }
  expect(told.every((value) => value === undefined)).toBe(true);
});
