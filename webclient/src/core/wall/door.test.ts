import { beforeEach, expect, it } from 'vitest';

import type { ApiError } from '../api-error';
import { FakeTimers, json, settled } from '../testing';
import { HttpDoor } from './door';
import { TokenKeeper } from './token';

let timers: FakeTimers;
let keeper: TokenKeeper;
let calls: { url: string; init: RequestInit }[];
let answers: (Response | Error)[];
let door: HttpDoor;

beforeEach(() => {
  timers = new FakeTimers();
  calls = [];
  answers = [];
  const kept = { getItem: () => null, setItem: () => undefined, removeItem: () => undefined };
  keeper = new TokenKeeper({ examPath: '/x/', store: kept, channel: null }, 'token-1');
  let id = 0;
  door = new HttpDoor({
    fetcher: (url, init) => {
      calls.push({ url: url instanceof URL ? url.href : '', init: init ?? {} });
      const answer = answers.shift() ?? json({});

      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    },
    base: 'http://exam.test/x/default/finals/wall',
    keeper,
    timers,
    random: () => 1,
    randomId: () => `id-${String((id += 1))}`,
  });
});

const error = (status: number, code: string) => json({ code, message: code }, status);

it('asks with the token, below the exam’s path', async () => {
  answers = [json({ tiles: {} }), json({ entries: [] })];
  await door.config();
  await door.record('ä/1', 7);
  expect(calls.map(({ url }) => url)).toEqual([
    'http://exam.test/x/default/finals/api/v1/wall',
    'http://exam.test/x/default/finals/api/v1/sessions/%C3%A4%2F1/record?after=7',
  ]);
  expect(calls[0]?.init.headers).toMatchObject({ Authorization: 'Bearer token-1' });
});

it('an action is repeated with the same id until it is answered', async () => {
  answers = [new TypeError('offline'), error(503, 'NotReady'), json({ id: 'id-1', kind: 'warn', student: 'a', by: 'me', at: 1 })];
  const taken = door.act('a', { kind: 'warn', text: 'Hello' });
  await settled();
  timers.advance(500);
  await settled();
  timers.advance(1_000);
  await expect(taken).resolves.toMatchObject({ by: 'me' });
  expect(calls.map(({ init }) => init.body)).toEqual(Array(3).fill('{"kind":"warn","text":"Hello","id":"id-1"}'));
  answers = [json({})];
  await door.act('a', { kind: 'pause' });
  expect(calls.at(-1)?.init.body).toBe('{"kind":"pause","id":"id-2"}');
});

it('gives up after four times, and at once where repeating cannot help', async () => {
  answers = Array.from({ length: 9 }, () => new TypeError('offline'));
  const taken = door.act('a', { kind: 'pause' }).catch((why: unknown) => (why as ApiError).code);
  for (let i = 0; i < 6; i += 1) {
    await settled();
    timers.advance(5_000);
  }
  await expect(taken).resolves.toBe('Network');
  expect(calls).toHaveLength(4);
  answers = [error(409, 'Conflict')];
  await expect(door.act('a', { kind: 'resume' })).rejects.toMatchObject({ code: 'Conflict' });
  expect(calls).toHaveLength(5);
});

it.each([
  [401, 'TokenExpired', { name: 'expired' }],
  [401, 'Unauthenticated', { name: 'refused', code: 'Unauthenticated' }],
  [403, 'WrongExam', { name: 'refused', code: 'WrongExam' }],
])('%i %s is the token’s fault, and no call is made without another one', async (status, code, state) => {
  answers = [error(status, code)];
  await expect(door.config()).rejects.toMatchObject({ code });
  expect(keeper.state()).toEqual(state);
  await expect(door.config()).rejects.toMatchObject({ code: 'TokenExpired' });
  expect(calls).toHaveLength(1);
});

it('other refusals say nothing of the token', async () => {
  answers = [error(404, 'NotFound')];
  await expect(door.picture('abc')).rejects.toMatchObject({ code: 'NotFound' });
  expect(keeper.token).toBe('token-1');
});
