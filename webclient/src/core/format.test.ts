import { expect, it } from 'vitest';

import { duration, list, minutes, span } from './format';

it.each([
  [-5, '0:00'],
  [1, '0:01'],
  [59_000, '0:59'],
  [61_000, '1:01'],
  [3_599_001, '1:00:00'],
  [3_723_000, '1:02:03'],
])('%i ms is %s', (ms, want) => {
  expect(duration(ms)).toBe(want);
});

it.each([
  [2_592_000_000, '30 days'],
  [86_400_000, '1 day'],
  [129_600_000, '36 hours'],
  [120_000, '2 minutes'],
  [60_000, '1 minute'],
  [90_000, '90 seconds'],
])('%i ms are %s', (ms, want) => {
  expect(span(ms)).toBe(want);
});

it('counts in words', () => {
  expect([minutes(1), minutes(5)]).toEqual(['1 minute', '5 minutes']);
  expect(list(['a', 'b', 'c'])).toBe('a, b, and c');
});
