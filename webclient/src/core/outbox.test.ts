import 'fake-indexeddb/auto';

import { IDBFactory } from 'fake-indexeddb';
import { beforeEach, describe, expect, it } from 'vitest';

import { EventSocket } from './events';
import { IndexedDBOutbox, type Kept, type OutboxOptions } from './outbox';
import { FakeSocket, FakeTimers } from './testing';

let factory: IDBFactory;
let now = 1_000;

beforeEach(() => {
  factory = new IDBFactory();
  FakeSocket.made = [];
  now = 1_000;
});

const outbox = (options: Partial<OutboxOptions> = {}) =>
  new IndexedDBOutbox({ factory, owner: '/x/a/b/ tab', now: () => now, ...options });
const violation = { type: 'FocusLost', at: 5, lastedMs: 1_000 };
const kept = (key: number, seq: number | null = null): Kept => ({ key, seq, violation: { ...violation, at: key } });
const keys = async (from: IndexedDBOutbox) => (await from.recall()).map(({ key }) => key);

it('keeps over a reload, in order, until it is told to forget', async () => {
  const before = outbox();
  await before.keep([kept(2), kept(1)]);
  await before.keep([kept(1, 7)]);
  expect(await outbox().recall()).toEqual([kept(1, 7), kept(2)]);
  before.forget([kept(1)]);
  expect(await keys(outbox())).toEqual([2]);
});

it('is of one tab and one exam', async () => {
  await outbox().keep([kept(1)]);
  expect(await keys(outbox({ owner: '/x/a/b/ other' }))).toEqual([]);
});

describe('a new tab of the same link', () => {
  const gone = '/x/a/b/ gone';
  const alive = (...owners: string[]) => () => Promise.resolve(new Set(owners));
  const left = () => outbox({ owner: gone, link: 'ada' });
  const next = (options: Partial<OutboxOptions> = {}) => outbox({ link: 'ada', alive: alive(), ...options });

  it('takes over what was in no report yet, once', async () => {
    await left().keep([kept(1), kept(2)]);
    const [first, second] = await Promise.all([next().recall(), next({ owner: '/x/a/b/ third' }).recall()]);
    expect([...first, ...second].map(({ seq, violation: { at } }) => [seq, at])).toEqual([[null, 1], [null, 2]]);
    expect(await left().recall()).toEqual([]);
  });

  it('leaves what may have been counted', async () => {
    await left().keep([kept(1, 7), kept(2, 0)]);
    expect(await next().recall()).toEqual([]);
    expect(await left().recall()).toEqual([kept(1, 7), kept(2, 0)]);
  });

  it('leaves what is of a tab that is there, of another link, or of nobody known', async () => {
    await left().keep([kept(1)]);
    await outbox({ owner: gone }).keep([kept(2)]);
    expect(await next({ alive: alive(gone) }).recall()).toEqual([]);
    expect(await next({ link: 'bob' }).recall()).toEqual([]);
    expect(await next({ link: null }).recall()).toEqual([]);
    expect(await next({ alive: undefined }).recall()).toEqual([]);
    expect(await next({ alive: () => Promise.reject(new Error('no locks')) }).recall()).toEqual([]);
    expect((await next().recall()).map(({ violation: { at } }) => at)).toEqual([1]);
  });
});

it('is bounded: the oldest go', async () => {
  const small = outbox({ limit: 3 });
  for (const key of [1, 2, 3, 4, 5]) {
    await small.keep([kept(key)]);
  }
  expect(await keys(small)).toEqual([3, 4, 5]);
});

it('forgets what another tab left behind a week ago', async () => {
  await outbox({ owner: 'old' }).keep([kept(1)]);
  now += 8 * 24 * 3_600_000;
  await keys(outbox());
  expect(await keys(outbox({ owner: 'old' }))).toEqual([]);
});

it('does without a browser that keeps nothing', async () => {
  const none = outbox({ factory: undefined });
  await none.keep([kept(1)]);
  none.forget([kept(1)]);
  expect(await none.recall()).toEqual([]);
});

it('numbers rise over reloads', () => {
  const first = outbox();
  expect([first.nextKey(), first.nextKey()]).toEqual([1_000, 1_001]);
  now += 10;
  expect(outbox().nextKey()).toBe(1_010);
});

describe('with the event socket', () => {
  const page = (timers = new FakeTimers()) =>
    new EventSocket({
      url: new URL('ws://exam.test/'),
      createSocket: FakeSocket.create,
      timers,
      random: () => 1,
      onState: () => undefined,
      onMessage: () => undefined,
      outbox: outbox(),
    });
  /** What the database does takes real, if short, time. */
  const written = () => new Promise((done) => setTimeout(done, 30));
  const reports = () => FakeSocket.last.sent as { seq: number; violations?: object[] }[];
  const withViolations = () => reports().filter(({ violations }) => violations !== undefined);

  async function reopened(ackSeq: number) {
    const next = page();
    next.start('token');
    await written();
    FakeSocket.last.serverSends({ type: 'welcome', seq: ackSeq });
    await written();

    return next;
  }

  it('a violation of an outage survives a reload, and is sent once', async () => {
    page().report({ visible: true }, [violation]);
    await written();
    await reopened(0);
    expect(withViolations()).toMatchObject([{ seq: 1, violations: [violation] }]);
    FakeSocket.last.serverSends({ type: 'ack', seq: 1 });
    await written();
    expect(await outbox().recall()).toEqual([]);
  });

  it('one that the server has counted before the reload is not sent again', async () => {
    const before = await reopened(0);
    before.report({}, [violation]);
    await written();
    expect(withViolations()).toMatchObject([{ seq: 2 }]);
    await reopened(2);
    expect(withViolations()).toEqual([]);
    expect(await outbox().recall()).toEqual([]);
  });

  it('one that it has not keeps its number', async () => {
    const before = await reopened(0);
    before.report({}, [violation]);
    await written();
    await reopened(1);
    expect(withViolations()).toMatchObject([{ seq: 2, violations: [violation] }]);
    expect(reports().map(({ seq }) => seq)).toEqual([2, 3]);
  });

  it('a report is not sent before its number is kept', async () => {
    const events = await reopened(0);
    events.report({}, [violation]);
    expect(withViolations()).toEqual([]);
    events.report({}, [{ ...violation, at: 6 }]);
    await written();
    expect(reports().map(({ seq }) => seq)).toEqual([1, 2, 3]);
    expect(withViolations()).toMatchObject([{ violations: [{ at: 5 }] }, { violations: [{ at: 6 }] }]);
  });

  it('a session that is taken over leaves its violations to the next one', async () => {
    const before = await reopened(40);
    before.report({}, [violation]);
    await written();
    FakeSocket.last.serverCloses(4409);
    await written();
    await reopened(90);
    expect(withViolations()).toMatchObject([{ seq: 91 }]);
  });

  it('nothing is kept after the exam', async () => {
    const before = await reopened(0);
    before.report({}, [violation]);
    await written();
    FakeSocket.last.serverCloses(4410);
    await written();
    expect(await outbox().recall()).toEqual([]);
  });
});
