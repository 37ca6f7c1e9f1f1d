import { expect, it } from 'vitest';

import { notice } from '../../core/testing';
import { noticePoints } from './notice-points';
import { quizFrame } from './quiz-frame';

it('frames only web pages, and ours without our origin', () => {
  expect(quizFrame('', 'https://a.test')).toBeNull();
  expect(quizFrame('javascript:alert(1)', 'https://a.test')).toBeNull();
  expect(quizFrame('data:text/html,x', 'https://a.test')).toBeNull();
  expect(quizFrame('https://b.test/q', 'https://a.test')?.sandbox).toContain('allow-same-origin');
  expect(quizFrame('https://a.test/q', 'https://a.test')?.sandbox).not.toContain('allow-same-origin');
});

const all = (told: ReturnType<typeof notice>) => JSON.stringify(noticePoints(told));

it('the notice names what the policy watches, and nothing else', () => {
  const told = notice();
  expect(all(told)).toContain('Another window or tab');
  expect(all(told)).not.toContain('More than one person');
  told.policy.violations.push({ type: 'MultipleFaces', severity: 'high', weight: 1, ttlMs: 1, mustLastMs: 1 });
  expect(all(told)).toContain('More than one person');
  told.policy.violations = [];
  expect(all(told)).toContain('Nothing is noted automatically');
});

it('does not say that the focus is watched where the quiz has a tab of its own', () => {
  expect(all(notice({ contentURL: 'https://b.test/q', contentPlacement: 'Tab' }))).not.toContain('Another window or tab');
});

it('the notice says what is kept, and how long', () => {
  expect(all(notice())).toMatch(/about every 2 minutes.*deleted 30 days after/);
  expect(all({ ...notice(), evidence: { pictureEveryMs: 60_000 } })).toMatch(/every 1 minute.*until your exam office/);
  expect(all({ ...notice(), evidence: { retentionMs: 86_400_000 } })).toMatch(/when something is noted.*deleted 1 day/);
  const told = notice();
  delete told.evidence;
  expect(all(told)).toContain('No pictures are kept');
});

it('the notice says when the exam is, with extra time', () => {
  const told = notice({ startsAt: Date.UTC(2030, 0, 7, 9), endsAt: Date.UTC(2030, 0, 7, 11) });
  told.student.extraTimeMs = 900_000;
  expect(all(told)).toMatch(/It starts on Monday, January 7.*It ends on.*Your 15 minutes of extra time/);
  expect(all(notice())).toContain('no fixed end');
});
