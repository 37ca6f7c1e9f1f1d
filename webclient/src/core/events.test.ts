import { beforeEach, describe, expect, it } from 'vitest';

import { changes, EventSocket, type EventsState } from './events';
import { FakeSocket, FakeTimers } from './testing';
import type { ServerMessage } from './wire';

let timers: FakeTimers;
let states: EventsState[];
let messages: ServerMessage[];
let events: EventSocket;

beforeEach(() => {
  FakeSocket.made = [];
  timers = new FakeTimers();
  states = [];
  messages = [];
  events = new EventSocket({
    url: new URL('ws://exam.test/x/a/b/api/v1/events'),
    createSocket: FakeSocket.create,
    timers,
    random: () => 1,
    onState: (state) => states.push(state),
    onMessage: (message) => messages.push(message),
  });
});

const lastState = () => states.at(-1);
const violation = { type: 'FocusLost', at: 5, lastedMs: 1_000 };

function open(seq = 0): FakeSocket {
  events.start('token');
  FakeSocket.last.serverSends({ type: 'welcome', seq });

  return FakeSocket.last;
}

const seqs = (socket: FakeSocket) => socket.sent.map((message) => (message as { seq: number }).seq);

describe('the handshake', () => {
  it('offers the version and the token as subprotocols', () => {
    events.start('token');
    expect(FakeSocket.last.protocols).toEqual(['invigil.events.v1', 'bearer.token']);
    expect(lastState()).toEqual({ name: 'connecting' });
  });

  it('is done with the welcome, not before', () => {
    events.start('token');
    events.report({ visible: true });
    expect(FakeSocket.last.sent).toEqual([]);
    FakeSocket.last.serverSends({ type: 'welcome' });
    expect(lastState()).toEqual({ name: 'open' });
    expect(FakeSocket.last.sent).toMatchObject([{ type: 'report', seq: 1, delta: { visible: true } }]);
  });

  it('gives up a socket that is never welcomed', () => {
    events.start('token');
    timers.advance(10_000);
    expect(FakeSocket.last.closedByPage).toBe(true);
    expect(lastState()).toEqual({ name: 'waiting' });
  });
});

describe('sequence numbers', () => {
  it('go on from the number the server knows, after a reload', () => {
    expect(seqs(open(41))).toEqual([42]);
  });

  it('keep what is not acknowledged and send it again, in order, with its number', () => {
    const first = open();
    events.report({ visible: true }, [violation]);
    events.report({ visible: false });
    expect(seqs(first)).toEqual([1, 2, 3]);
    first.serverSends({ type: 'ack', seq: 1 });
    first.serverCloses(1006);
    timers.advance(500);
    const second = FakeSocket.last;
    expect(second).not.toBe(first);
    second.serverSends({ type: 'welcome', seq: 2 });
    expect(seqs(second)).toEqual([3, 4]);
    expect(second.sent[0]).toEqual(first.sent[2]);
  });

  it('survive a server that lost its memory', () => {
    const first = open();
    events.report({ visible: true });
    first.serverSends({ type: 'ack', seq: 2 });
    first.serverCloses(1006);
    timers.advance(500);
    FakeSocket.last.serverSends({ type: 'welcome', seq: 0 });
    // Nothing is pending, and the state is stated anew in full.
    expect(FakeSocket.last.sent).toMatchObject([{ seq: 3, delta: { visible: true } }]);
  });

  it('do not repeat a report that the server rejected', () => {
    const first = open();
    first.serverSends({ type: 'ack', seq: 1 });
    events.report({}, [violation]);
    first.serverSends({ type: 'error', seq: 2, error: { code: 'UnknownViolation', message: '' } });
    first.serverCloses(1006);
    timers.advance(500);
    FakeSocket.last.serverSends({ type: 'welcome', seq: 1 });
    expect(FakeSocket.last.sent).not.toContainEqual(first.sent[1]);
  });

  it('hold everything back, in order, while the server can take no report', () => {
    const socket = open();
    socket.serverSends({ type: 'ack', seq: 1 });
    events.report({}, [violation]);
    events.report({ visible: false });
    socket.serverSends({ type: 'error', seq: 2, error: { code: 'RateLimited', message: '' } });
    socket.serverSends({ type: 'error', seq: 3, error: { code: 'RateLimited', message: '' } });
    events.report({ visible: true });
    expect(seqs(socket)).toEqual([1, 2, 3]);
    timers.advance(3_000);
    expect(seqs(socket)).toEqual([1, 2, 3, 2, 3]);
    expect(socket.closedByPage).toBe(false);
    events.report({ visible: true });
    expect(seqs(socket)).toEqual([1, 2, 3, 2, 3, 4]);
  });

  it('take a socket that acknowledges nothing for dead', () => {
    const socket = open();
    events.report({ visible: true });
    timers.advance(14_999);
    expect(socket.closedByPage).toBe(false);
    timers.advance(1);
    expect(socket.closedByPage).toBe(true);
    expect(lastState()).toEqual({ name: 'waiting' });
  });

  it('take a socket that does not acknowledge a violation for dead sooner', () => {
    const socket = open();
    timers.advance(2_000);
    events.report({}, [violation]);
    timers.advance(9_999);
    expect(socket.closedByPage).toBe(false);
    timers.advance(1);
    expect(socket.closedByPage).toBe(true);
  });

  it('are acknowledged by a later one', () => {
    const first = open();
    events.report({ visible: true });
    events.report({ visible: false });
    timers.advance(11_000);
    first.serverSends({ type: 'ack', seq: 3 });
    timers.advance(60_000);
    expect(first.closedByPage).toBe(false);
    first.serverCloses(1006);
    timers.advance(500);
    FakeSocket.last.serverSends({ type: 'welcome', seq: 3 });
    expect(seqs(FakeSocket.last)).toEqual([4]);
  });
});

describe('an outage', () => {
  it('keeps violations and makes one report of them', () => {
    const first = open();
    first.serverSends({ type: 'ack', seq: 1 });
    first.serverCloses(1006);
    events.report({ visible: false }, [violation]);
    events.report({ visible: true }, [{ ...violation, at: 6 }]);
    timers.advance(500);
    FakeSocket.last.serverSends({ type: 'welcome', seq: 1 });
    expect(FakeSocket.last.sent).toMatchObject([
      { seq: 2, delta: { visible: true }, violations: [violation, { ...violation, at: 6 }] },
    ]);
  });

  it('keeps at most 1000 of them, the newest, and sends what the server takes at once', () => {
    for (let at = 0; at < 1_150; at += 1) {
      events.report({}, [{ ...violation, at }]);
    }
    const reports = open().sent as { violations: { at: number }[] }[];
    expect(reports.map(({ violations }) => violations.length)).toEqual(Array(20).fill(50));
    expect(reports[0]?.violations[0]?.at).toBe(150);
  });

  it('hurries when the network is back', () => {
    open().serverCloses(1006);
    expect(FakeSocket.made).toHaveLength(1);
    events.hurry();
    expect(FakeSocket.made).toHaveLength(2);
    events.hurry();
    timers.advance(5_000);
    expect(FakeSocket.made).toHaveLength(2);
  });

  it('takes a socket for dead after a sleep', () => {
    const asleep = open();
    events.reconnect();
    expect(asleep.closedByPage).toBe(true);
    expect(FakeSocket.last).not.toBe(asleep);
  });
});

describe('close codes', () => {
  it.each([4000, 4001, 1001, 1006, 1011, 1012])('%i: reconnects', (code) => {
    open().serverCloses(code);
    expect(lastState()).toEqual({ name: 'waiting' });
    timers.advance(500);
    expect(FakeSocket.made).toHaveLength(2);
  });

  it.each([4400, 4403, 4409, 4410, 4499])('%i: does not', (code) => {
    open().serverCloses(code);
    expect(lastState()).toEqual({ name: 'refused', closeCode: code });
    timers.advance(600_000);
    expect(FakeSocket.made).toHaveLength(1);
  });

  it('4401: waits for another token', () => {
    open().serverCloses(4401);
    expect(lastState()).toEqual({ name: 'unauthenticated' });
    timers.advance(600_000);
    expect(FakeSocket.made).toHaveLength(1);
    events.start('second');
    expect(FakeSocket.last.protocols).toContain('bearer.second');
  });

  it('suspects the token when handshakes fail again and again', () => {
    events.start('token');
    for (let i = 0; i < 3; i += 1) {
      expect(states).not.toContainEqual({ name: 'unauthenticated' });
      FakeSocket.last.serverCloses(1006);
      timers.advance(4_000);
    }
    expect(states).toContainEqual({ name: 'unauthenticated' });
  });

  it('backs off, and starts over once reports are acknowledged', () => {
    events.start('token');
    for (const wait of [500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000]) {
      const made = FakeSocket.made.length;
      FakeSocket.last.serverCloses(1006);
      timers.advance(wait - 1);
      expect(FakeSocket.made).toHaveLength(made);
      timers.advance(1);
      expect(FakeSocket.made).toHaveLength(made + 1);
    }
    FakeSocket.last.serverSends({ type: 'welcome' });
    FakeSocket.last.serverSends({ type: 'ack', seq: 1 });
    FakeSocket.last.serverCloses(1006);
    const made = FakeSocket.made.length;
    timers.advance(500);
    expect(FakeSocket.made).toHaveLength(made + 1);
  });

  it('stays closed when the page closed it', () => {
    const socket = open();
    events.stop();
    expect(socket.closedByPage).toBe(true);
    expect(lastState()).toEqual({ name: 'closed' });
    expect(timers.pending).toBe(0);
  });
});

describe('messages', () => {
  it('are handed on; what cannot be read is not', () => {
    const socket = open();
    socket.onmessage?.({ data: '{' });
    socket.onmessage?.({ data: new ArrayBuffer(1) });
    socket.serverSends({ type: 'state', state: 'Live' });
    expect(messages).toEqual([{ type: 'welcome', seq: 0 }, { type: 'state', state: 'Live' }]);
  });
});

describe('presence-aware deltas', () => {
  it('say only what changed', () => {
    const socket = open();
    events.report({ publishing: true, visible: true, focused: true, cameraMuted: false });
    events.report({ publishing: true, visible: true, focused: false, cameraMuted: false });
    events.report({ publishing: true, visible: true, focused: false, cameraMuted: false });
    expect(socket.sent.slice(1)).toMatchObject([
      { delta: { publishing: true, visible: true, focused: true, cameraMuted: false } },
      { delta: { focused: false } },
      {},
    ]);
    expect(Object.keys((socket.sent[2] as { delta: object }).delta)).toEqual(['focused']);
    expect(socket.sent[3]).not.toHaveProperty('delta');
  });

  it('send false as false', () => {
    expect(changes({ visible: true }, { visible: false })).toEqual({ visible: false });
    expect(changes({}, { cameraMuted: false })).toEqual({ cameraMuted: false });
    expect(changes({ cameraMuted: false }, { cameraMuted: false })).toEqual({});
    expect(changes({ visible: true }, {})).toEqual({});
  });

  it('send 0 as 0, and leave small steps of brightness out', () => {
    expect(changes({ luminance: 90 }, { luminance: 0 })).toEqual({ luminance: 0 });
    expect(changes({ luminance: 90 }, { luminance: 92 })).toEqual({});
    expect(changes({}, { luminance: 0 })).toEqual({ luminance: 0 });
  });
});
