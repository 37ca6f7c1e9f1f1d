import { expect, it } from 'vitest';

import { Hysteresis, MiddleOfThree } from './hysteresis';
import { Pace } from './pace';
import { seeded } from './testing';
import { DEFAULT_THRESHOLDS, thresholdsFrom } from './thresholds';

const seen = (of: { observe(value: number): unknown }, values: number[]) => values.map((value) => of.observe(value));

it('a large value enters, and stays until it is small enough', () => {
  expect(seen(new Hysteresis(25, 20), [24, 25, 21, 24, 19, 24])).toEqual([false, true, true, true, false, false]);
});

it('a small value likewise, the other way round', () => {
  expect(seen(new Hysteresis(40, 48), [45, 40, 47, 49, 45])).toEqual([false, true, true, false, false]);
});

it('noise narrower than the band changes it at most once', () => {
  const random = seeded(5);
  for (let run = 0; run < 100; run += 1) {
    const middle = 15 + 15 * random();
    const states = seen(new Hysteresis(25, 20), Array.from({ length: 50 }, () => middle + 4.9 * (random() - 0.5)));
    expect(states.filter((state, i) => i > 0 && state !== states[i - 1]).length).toBeLessThanOrEqual(1);
  }
});

it('one odd frame changes no count', () => {
  expect(seen(new MiddleOfThree(), [1, 1, 0, 1, 1, 2, 1])).toEqual([null, 1, 1, 1, 1, 1, 1]);
  expect(seen(new MiddleOfThree(), [1, 1, 0, 0, 0])).toEqual([null, 1, 1, 0, 0]);
  expect(seen(new MiddleOfThree(), [0, 1, 1])).toEqual([null, null, 1]);
});

it('a frame is looked at five times a second where it is cheap, once where it is not', () => {
  const after = (workMs: number) => {
    const pace = new Pace();
    for (let i = 0; i < 60; i += 1) {
      pace.took(workMs);
    }

    return Math.round(pace.intervalMs);
  };
  expect([10, 70, 140, 350, 5_000].map(after)).toEqual([200, 200, 400, 1_000, 1_000]);
});

it('frames that warm up do not slow it down', () => {
  const pace = new Pace();
  [3_000, 700, 50].forEach((workMs) => {
    pace.took(workMs);
  });
  expect(pace.intervalMs).toBe(200);
});

it('a policy may change thresholds, but not to nonsense', () => {
  expect(thresholdsFrom()).toEqual(DEFAULT_THRESHOLDS);
  expect(thresholdsFrom({ yawEnter: 40, yawLeave: 30 })).toMatchObject({ yawEnter: 40, yawLeave: 30 });
  expect(thresholdsFrom({ yawEnter: '40', gazeEnter: NaN, blurEnter: -3, juggling: 1 })).toEqual(DEFAULT_THRESHOLDS);
  expect(thresholdsFrom({ yawEnter: 10 })).toEqual(DEFAULT_THRESHOLDS);
});
