import { expect, it, vi } from 'vitest';

import { ApiError } from '../api-error';
import { settled } from '../testing';
import type { Door } from '../wall/door';
import { Desk } from './desk';
import { lengthOf, wrongId, wrongMinutes, wrongText } from './draft';

const made = (act: Door['act']) => {
  const onAnswer = vi.fn();

  return { onAnswer, desk: new Desk({ student: 's1', actor: { act }, onAnswer }) };
};

const taken = { id: 'x', kind: 'pause', student: 's1', by: 'inv', at: 7 } as const;

it('nothing is done before the server has said so', async () => {
  let answer = (): void => undefined;
  const { desk, onAnswer } = made(() => new Promise((resolve) => { answer = () => { resolve(taken); }; }));
  const done = desk.act({ kind: 'pause' });
  expect(desk.getActs()).toMatchObject([{ outcome: { is: 'pending' } }]);
  answer();
  expect(await done).toBe(true);
  expect(desk.getActs()).toMatchObject([{ outcome: { is: 'taken', at: 7 } }]);
  expect(onAnswer).toHaveBeenCalledTimes(1);
});

it.each([
  ['Conflict', true],
  ['RateLimited', true],
  ['TokenExpired', true],
  ['NotEnrolled', false],
  // It may have been done: doing it again would do it twice.
  ['Network', false],
  ['Internal', false],
])('refused with %s: can be tried again: %s', async (code, again) => {
  const act = vi.fn<Door['act']>().mockRejectedValueOnce(new ApiError(code, 'words')).mockResolvedValue(taken);
  const { desk } = made(act);
  expect(await desk.act({ kind: 'extend', minutes: 5 })).toBe(false);
  expect(desk.getActs()).toMatchObject([{ outcome: { is: 'refused', code, said: 'words', again } }]);
  expect(await desk.again(1)).toBe(again);
  await settled();
  expect(act).toHaveBeenCalledTimes(again ? 2 : 1);
});

it('remembers the last few', async () => {
  const { desk } = made(() => Promise.resolve(taken));
  for (let i = 0; i < 9; i += 1) {
    await desk.act({ kind: 'pause' });
  }
  expect(desk.getActs()).toHaveLength(5);
});

it('what is written is measured as the server does', () => {
  expect(lengthOf('a😀')).toBe(2);
  expect([wrongText(' '), wrongText('😀'.repeat(500)), wrongText('😀'.repeat(501))]).toEqual(['empty', null, 'tooLong']);
  expect(['0', '1', '600', '601', '1.5', '', '-3', '1e2'].map(wrongMinutes)).toEqual([
    'minutes', null, null, 'minutes', 'minutes', 'minutes', 'minutes', 'minutes',
  ]);
  expect([wrongId('s1 ', 's1'), wrongId('S1', 's1')]).toEqual([null, 'id']);
});
