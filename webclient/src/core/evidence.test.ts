import { beforeEach, describe, expect, it, vi } from 'vitest';

import { EvidenceUploader } from './evidence';
import { FakeTimers, json, settled } from './testing';

const jpeg = new Blob(['jpeg'], { type: 'image/jpeg' });
const kept = () => json({ sha256: 'ab', size: 4 }, 201);
const refusal = (status: number, code: string, headers = {}) => json({ code, message: '' }, status, headers);

let timers: FakeTimers;
let answers: (Response | Error)[];
let calls: { url: URL; init: RequestInit }[];
let evidence: EvidenceUploader;

beforeEach(() => {
  timers = new FakeTimers();
  answers = [];
  calls = [];
  const fetcher: typeof fetch = (input, init) => {
    calls.push({ url: new URL(input instanceof Request ? input.url : input), init: init ?? {} });
    const answer = answers.shift() ?? kept();

    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  };
  evidence = new EvidenceUploader({
    endpoint: new URL('https://exam.test/x/default/finals/api/v1/evidence'), fetcher, timers, random: () => 1,
  });
  evidence.start('session-token');
});

async function violation(number: number | undefined, type = 'FaceMissing') {
  evidence.noticed([{ type, at: 1, lastedMs: 3_000 }], () => Promise.resolve(jpeg));
  await count(number, type);
}

async function count(number: number | undefined, type = 'FaceMissing') {
  await evidence.counted({ type, severity: 'high', at: 5, ...(number === undefined ? {} : { number }) });
  await settled();
}

it('sends the picture of what was noticed once it is counted', async () => {
  const capturedAt = timers.now();
  evidence.noticed([{ type: 'FaceMissing', at: 1, lastedMs: 3_000 }], () => Promise.resolve(jpeg));
  await settled();
  expect(calls).toHaveLength(0);
  timers.advance(700);
  await count(2);
  expect(calls).toHaveLength(1);
  const [{ url, init } = { url: null, init: {} }] = calls;
  expect(url?.pathname).toBe('/x/default/finals/api/v1/evidence');
  expect(Object.fromEntries(url?.searchParams ?? [])).toEqual({
    violation: 'FaceMissing', number: '2', capturedAt: String(capturedAt),
  });
  expect(init).toMatchObject({
    method: 'POST', body: jpeg, headers: { Authorization: 'Bearer session-token', 'Content-Type': 'image/jpeg' },
  });
  expect(evidence.sent).toBe(1);
});

it('takes one picture for several signs of one moment', async () => {
  const picture = vi.fn(() => Promise.resolve(jpeg));
  evidence.noticed([{ type: 'FaceMissing', at: 1, lastedMs: 1 }, { type: 'LowQuality', at: 1, lastedMs: 1 }], picture);
  await count(1);
  await count(1, 'LowQuality');
  expect(picture).toHaveBeenCalledOnce();
  expect(calls.map(({ url }) => url.searchParams.get('violation'))).toEqual(['FaceMissing', 'LowQuality']);
});

describe('sends nothing', () => {
  it('of what the server has noticed by itself', async () => {
    await count(1, 'CameraBlackout');
    expect(calls).toHaveLength(0);
  });

  it('when the server names no number', async () => {
    await violation(undefined);
    expect(calls).toHaveLength(0);
  });

  it('of a picture that belongs to something earlier', async () => {
    evidence.noticed([{ type: 'FaceMissing', at: 1, lastedMs: 1 }], () => Promise.resolve(jpeg));
    timers.advance(61_000);
    await count(1);
    expect(calls).toHaveLength(0);
  });

  it('when there was no picture', async () => {
    evidence.noticed([{ type: 'FaceMissing', at: 1, lastedMs: 1 }], () => Promise.resolve(null));
    await count(1);
    expect(calls).toHaveLength(0);
    expect(evidence.dropped).toBe(0);
  });

  it('twice of the same picture', async () => {
    await violation(1);
    await count(2);
    expect(calls).toHaveLength(1);
  });

  it('more once nothing is kept of the exam', async () => {
    answers = [refusal(404, 'NotFound')];
    await violation(1);
    await violation(2);
    timers.advance(600_000);
    await settled();
    expect(calls).toHaveLength(1);
    expect(timers.pending).toBe(0);
  });
});

it('waits as long as it is told, and longer each time otherwise', async () => {
  answers = [refusal(429, 'RateLimited', { 'Retry-After': '7' }), new TypeError('offline'), kept()];
  await violation(1);
  timers.advance(6_999);
  await settled();
  expect(calls).toHaveLength(1);
  timers.advance(1);
  await settled();
  expect(calls).toHaveLength(2);
  timers.advance(2_000);
  await settled();
  expect(calls).toHaveLength(3);
  expect(evidence).toMatchObject({ sent: 1, dropped: 0 });
});

it('gives one up that is refused for good, and goes on with the next', async () => {
  answers = [refusal(409, 'ViolationTooOld'), kept()];
  await violation(1);
  await violation(2);
  expect(calls).toHaveLength(2);
  expect(evidence).toMatchObject({ sent: 1, dropped: 1 });
});

it('gives one up after so many tries, and all that the server takes no more', async () => {
  answers = Array.from({ length: 50 }, () => refusal(503, 'NotReady'));
  await violation(1);
  for (let i = 0; i < 30; i += 1) {
    timers.advance(10_000);
    await settled();
  }
  expect(calls).toHaveLength(6);
  expect(evidence.dropped).toBe(1);
  expect(timers.pending).toBe(0);
});

it('keeps the newest when too many wait', async () => {
  answers = [refusal(503, 'NotReady', { 'Retry-After': '60' })];
  for (let number = 1; number <= 20; number += 1) {
    await violation(number);
  }
  expect(evidence.dropped).toBe(4);
  timers.advance(60_000);
  await settled();
  await settled();
  expect(calls.slice(1, 4).map(({ url }) => url.searchParams.get('number'))).toEqual(['5', '6', '7']);
});

it('goes on with a new token, and not without one', async () => {
  answers = [refusal(401, 'TokenExpired'), kept()];
  await violation(1);
  evidence.start('new-token');
  timers.advance(2_000);
  await settled();
  expect(calls[1]?.init.headers).toMatchObject({ Authorization: 'Bearer new-token' });
  evidence.stop();
  await violation(2);
  expect(calls).toHaveLength(2);
});
