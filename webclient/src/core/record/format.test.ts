import { expect, it } from 'vitest';

import { lasted, shortName, zoneName } from './format';

it.each([
  [0, '0 s'], [1_500, '1.5 s'], [9_990, '10 s'], [59_400, '59 s'], [60_000, '1 min'], [184_000, '3 min 4 s'],
  [3_600_000, '1 h'], [3_725_000, '1 h 2 min'], [90_000_000, '25 h'],
])('%i ms lasted %s', (ms, want) => {
  expect(lasted(ms)).toBe(want);
});

it('the zone is named', () => {
  expect(zoneName(0)).toContain(Intl.DateTimeFormat().resolvedOptions().timeZone);
});

it.each([
  ['system:serviceaccount:exams:algebra-invigilator/pod-1', 'algebra-invigilator/pod-1'],
  ['system:serviceaccount:exams:a#x:y', 'a#x:y'],
  ['somebody', 'somebody'],
])('%s is called %s', (by, want) => {
  expect(shortName(by)).toBe(want);
});
