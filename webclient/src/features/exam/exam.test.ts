import { expect, it } from 'vitest';

import { duration } from './duration';
import { quizFrame } from './quiz-frame';

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

it('frames only web pages, and ours without our origin', () => {
  expect(quizFrame('', 'https://a.test')).toBeNull();
  expect(quizFrame('javascript:alert(1)', 'https://a.test')).toBeNull();
  expect(quizFrame('data:text/html,x', 'https://a.test')).toBeNull();
  expect(quizFrame('https://b.test/q', 'https://a.test')?.sandbox).toContain('allow-same-origin');
  expect(quizFrame('https://a.test/q', 'https://a.test')?.sandbox).not.toContain('allow-same-origin');
});
