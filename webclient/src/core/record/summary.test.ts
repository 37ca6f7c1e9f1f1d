import { expect, it } from 'vitest';

import { coverageOf, countsOf, levelOf, totalOf } from './summary';
import { feedSession } from './testing';

it('coverage is of observed and gaps, told in a fixed order, never rounded up', () => {
  expect(coverageOf({ observedMs: 999, gapsMs: { sfu: 0, platform: 0.5, network: 0.5 } })).toEqual({
    observedMs: 999, totalMs: 1_000, percent: 99, gaps: [{ cause: 'network', ms: 0.5 }, { cause: 'platform', ms: 0.5 }],
  });
  expect(coverageOf({ observedMs: 0, gapsMs: { moon: 5 } })?.gaps).toEqual([{ cause: 'moon', ms: 5 }]);
  expect(coverageOf({ observedMs: 0 })?.percent).toBe(0);
  expect(coverageOf(undefined)).toBeNull();
});

it('counts say how many are dismissed', () => {
  const session = feedSession({
    violations: [{ type: 'A', count: 1, lastAt: 1 }, { type: 'B', count: 3, lastAt: 2 }],
    dismissed: [{ type: 'B', count: 2, lastAt: 3 }],
  });
  expect(countsOf(session).map(({ type, count, dismissed }) => [type, count, dismissed])).toEqual([['B', 3, 2], ['A', 1, 0]]);
  expect(totalOf(session)).toEqual({ count: 4, dismissed: 2 });
});

it('a level that is not known is one to look at', () => {
  expect(levelOf('critical')).toBe('critical');
  expect(levelOf('odd')).toBe('watch');
});
