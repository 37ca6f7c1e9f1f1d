import { beforeEach, expect, it, vi } from 'vitest';

import { ApiError } from '../api-error';
import { FakeTimers, settled } from '../testing';
import { WallStore } from '../wall/store';
import type { SessionRecord } from '../wire-invigilator';
import { RecordLog } from './record-log';
import { feedSession, violation } from './testing';

let timers: FakeTimers;
let store: WallStore;
const record = vi.fn<(student: string, after?: number) => Promise<SessionRecord>>();

function answer(...seqs: number[]): SessionRecord {
  return { session: feedSession(), entries: seqs.map((seq) => violation(seq, seq)) };
}

function opened() {
  const log = new RecordLog({ student: 's1', source: { record }, news: store, timers, random: () => 1 });
  const stop = log.subscribe(() => undefined);

  return { log, stop, seqs: () => log.getState().entries.map(({ seq }) => seq) };
}

async function pass(ms: number) {
  for (let left = ms; left >= 0; left -= 500) {
    timers.advance(left === ms ? 0 : 500);
    await settled();
  }
}

beforeEach(() => {
  timers = new FakeTimers();
  store = new WallStore(() => timers.now());
  store.apply({ type: 'snapshot', at: 1, sessions: [feedSession(), feedSession({ student: 's2' })] });
  record.mockReset();
  record.mockResolvedValue(answer());
});

it('reads behind what it has, until there is no more', async () => {
  record.mockResolvedValueOnce({ ...answer(1, 2), more: true }).mockResolvedValueOnce(answer(3));
  const { log, seqs } = opened();
  await pass(0);
  expect(log.getState().complete).toBe(false);
  await pass(0);
  expect(record.mock.calls).toEqual([['s1', 0], ['s1', 2]]);
  expect(seqs()).toEqual([1, 2, 3]);
  expect(log.getState().complete).toBe(true);
});

it('takes nothing twice, and no entries as none', async () => {
  record.mockResolvedValueOnce(answer(1)).mockResolvedValueOnce(answer(1, 2)).mockResolvedValueOnce({ session: feedSession(), entries: null });
  const { seqs } = opened();
  await pass(4_500);
  expect(seqs()).toEqual([1, 2]);
});

it('looks when the feed says something of the student, and only then', async () => {
  opened();
  await pass(200_000);
  const before = record.mock.calls.length;
  await pass(600_000);
  expect(record.mock.calls).toHaveLength(before);
  store.apply({ type: 'delta', at: 2, sessions: [feedSession({ student: 's2', score: 9 }), feedSession({ lastSeenAt: 77 })] });
  await pass(1_000);
  expect(record.mock.calls).toHaveLength(before);
  store.apply({ type: 'violation', at: 3, student: 's1', violation: { type: 'Speaking', severity: 'low', at: 3 }, number: 1 });
  await pass(0);
  expect(record.mock.calls).toHaveLength(before + 1);
  // The pictures come later, and nobody tells of them.
  await pass(130_000);
  expect(record.mock.calls.length).toBeGreaterThan(before + 4);
});

it('looks again while the server still writes', async () => {
  record.mockResolvedValue({ ...answer(1), waiting: true });
  const { log } = opened();
  await pass(300_000);
  const before = record.mock.calls.length;
  await pass(10_000);
  expect(record.mock.calls.length).toBeGreaterThan(before);
  expect(log.getState().complete).toBe(false);
});

it('keeps what it has when the storage is away, and goes on when it is back', async () => {
  record.mockResolvedValueOnce(answer(1)).mockRejectedValueOnce(new ApiError('NotReady', '', 503));
  const { log, seqs } = opened();
  await pass(1_000);
  expect(log.getState()).toMatchObject({ failed: 'NotReady' });
  expect(seqs()).toEqual([1]);
  record.mockResolvedValue(answer(2));
  await pass(3_000);
  expect(log.getState()).toMatchObject({ failed: null });
  expect(seqs()).toEqual([1, 2]);
});

it('does not repeat what is refused, until somebody wants to', async () => {
  record.mockRejectedValueOnce(new ApiError('TokenExpired', '', 401));
  const { log } = opened();
  await pass(100_000);
  expect(record).toHaveBeenCalledTimes(1);
  log.refresh();
  await pass(0);
  expect(log.getState().failed).toBeNull();
});

it('ends with the last who looks, and goes on where it was', async () => {
  record.mockResolvedValueOnce(answer(1));
  const { log, stop } = opened();
  await pass(0);
  stop();
  await pass(500_000);
  expect(record).toHaveBeenCalledTimes(1);
  expect(timers.pending).toBe(0);
  log.subscribe(() => undefined);
  await pass(0);
  expect(record).toHaveBeenLastCalledWith('s1', 1);
});
