import { beforeEach, expect, it } from 'vitest';

import { SlotViewer, type Slot, type ViewerState } from './slot-viewer';
import { FakeSocket, FakeTimers, settled } from './testing';
import type { WireError } from './wire';

class FakePeer {
  connectionState = 'new';
  onconnectionstatechange: (() => void) | null = null;
  localDescription = { sdp: 'offer' };
  sections: unknown[] = [];
  answers: unknown[] = [];
  closed = false;

  addTransceiver(kind: string, init: unknown) {
    this.sections.push([kind, init]);

    return { receiver: { track: { id: `track-${String(this.sections.length - 1)}` } } };
  }

  createOffer = () => Promise.resolve({ type: 'offer', sdp: 'offer' });
  setLocalDescription = () => Promise.resolve();

  setRemoteDescription(answer: unknown) {
    this.answers.push(answer);

    return Promise.resolve();
  }

  close() {
    this.closed = true;
  }

  becomes(state: string) {
    this.connectionState = state;
    this.onconnectionstatechange?.();
  }
}

const url = new URL('ws://sfu.test/view');

let timers: FakeTimers;
let peer: FakePeer;
let states: ViewerState[];
let slots: Slot[];
let refused: [number | null, WireError][];
let moved: number;
let viewer: SlotViewer;

beforeEach(() => {
  FakeSocket.made = [];
  timers = new FakeTimers();
  peer = new FakePeer();
  states = [];
  slots = [];
  refused = [];
  moved = 0;
  viewer = new SlotViewer({
    url,
    grant: 'grant',
    slots: 3,
    iceServers: [],
    createSocket: FakeSocket.create,
    createPeer: () => peer as unknown as RTCPeerConnection,
    timers,
    onState: (state) => states.push(state),
    onSlot: (slot) => slots.push(slot),
    onMoved: () => {
      moved += 1;
    },
    onRefused: (slot, error) => refused.push([slot, error]),
  });
});

it('a socket that closes takes no commands, and is not asked to', async () => {
  const socket = await answered();
  const sent = socket.sent.length;
  Object.assign(socket, { readyState: 2, OPEN: 1 });
  viewer.assign(0, 's1');
  expect(socket.sent).toHaveLength(sent);
});

async function answered(): Promise<FakeSocket> {
  viewer.start();
  FakeSocket.last.onopen?.();
  await settled();
  FakeSocket.last.serverSends({ type: 'answer', sdp: 'answer', slots: 3 });
  await settled();

  return FakeSocket.last;
}

async function connected(): Promise<FakeSocket> {
  const socket = await answered();
  peer.becomes('connected');

  return socket;
}

it('offers one section for each slot, once', async () => {
  const socket = await connected();
  expect(socket.url).toBe(url);
  expect(socket.protocols).toEqual(['invigil.view.v1', 'bearer.grant']);
  expect(peer.sections).toEqual(Array(3).fill(['video', { direction: 'recvonly' }]));
  expect(socket.sent).toEqual([{ type: 'offer', sdp: 'offer' }]);
  expect(peer.answers).toEqual([{ type: 'answer', sdp: 'answer' }]);
  expect(states).toEqual([{ name: 'connecting' }, { name: 'connected' }]);
  expect(timers.pending).toBe(0);
});

it('has a track for each slot from the start', () => {
  viewer.start();
  expect([0, 1, 2].map((slot) => viewer.track(slot).id)).toEqual(['track-0', 'track-1', 'track-2']);
  expect(() => viewer.track(3)).toThrow(RangeError);
});

it('says what it is told to', async () => {
  const socket = await connected();
  viewer.assign(0, 's1');
  viewer.assign(1, 's2', 'high');
  viewer.layer(0, 'high');
  viewer.pause(0);
  viewer.resume(0);
  viewer.release(0);
  expect(socket.sent.slice(1)).toEqual([
    { type: 'assign', slot: 0, student: 's1', layer: 'low' },
    { type: 'assign', slot: 1, student: 's2', layer: 'high' },
    { type: 'layer', slot: 0, layer: 'high' },
    { type: 'pause', slot: 0 },
    { type: 'resume', slot: 0 },
    { type: 'release', slot: 0 },
  ]);
});

it('keeps commands until the offer is answered', async () => {
  viewer.assign(0, 's1');
  const socket = await answered();
  expect(socket.sent).toEqual([
    { type: 'offer', sdp: 'offer' },
    { type: 'assign', slot: 0, student: 's1', layer: 'low' },
  ]);
});

it('tells what slots show', async () => {
  const socket = await connected();
  viewer.assign(0, 's1');
  expect(viewer.slot(0)).toEqual({ slot: 0, state: 'pending', student: 's1' });
  socket.serverSends({ type: 'slot', slot: 0, student: 's1', state: 'pending', reason: 'NotPublishing' });
  socket.serverSends({ type: 'slot', slot: 0, student: 's1', state: 'playing', layer: 'low' });
  expect(slots).toEqual([
    { slot: 0, student: 's1', state: 'pending', reason: 'NotPublishing' },
    { slot: 0, student: 's1', state: 'playing', layer: 'low' },
  ]);
  expect(viewer.slot(0)).toBe(slots[1]);
  viewer.release(0);
  socket.serverSends({ type: 'slot', slot: 0, state: 'free' });
  expect(viewer.slot(0)).toEqual({ slot: 0, state: 'free', student: '' });
});

it('never names a picture after whom the slot has been taken from', async () => {
  const socket = await connected();
  viewer.assign(0, 's1');
  socket.serverSends({ type: 'slot', slot: 0, student: 's1', state: 'playing', layer: 'low' });
  viewer.assign(0, 's2');
  expect(viewer.slot(0)).toEqual({ slot: 0, state: 'pending', student: 's2' });
  socket.serverSends({ type: 'slot', slot: 0, student: 's1', state: 'playing', layer: 'high' });
  socket.serverSends({ type: 'slot', slot: 7, student: 's2', state: 'playing', layer: 'high' });
  expect(slots).toHaveLength(1);
  expect(viewer.slot(0).state).toBe('pending');
});

it('passes on refusals, moves, and nothing that it does not know', async () => {
  const socket = await connected();
  const error = { code: 'BadSlot', message: 'There is no such slot.' };
  socket.serverSends({ type: 'error', slot: 9, error });
  socket.serverSends({ type: 'error', error });
  socket.serverSends({ type: 'moved' });
  socket.serverSends({ type: 'news' });
  socket.onmessage?.({ data: '{' });
  expect(refused).toEqual([[9, error], [null, error]]);
  expect(moved).toBe(1);
});

it.each([4000, 4001, 4002, 4400])('ends with the close code %i', async (code) => {
  const socket = await connected();
  socket.serverCloses(code);
  expect(states.at(-1)).toEqual({ name: 'closed', code, error: null });
  expect(peer.closed).toBe(true);
  expect(timers.pending).toBe(0);
  viewer.assign(0, 's1');
  expect(socket.sent).toHaveLength(1);
});

it('ends with what the pod says to the offer', async () => {
  viewer.start();
  FakeSocket.last.onopen?.();
  await settled();
  const error = { code: 'TooManySlots', message: '' };
  FakeSocket.last.serverSends({ type: 'error', error });
  FakeSocket.last.serverCloses(4400);
  expect(states.at(-1)).toEqual({ name: 'closed', code: 4400, error });
  expect(refused).toEqual([]);
});

const lost = { name: 'closed', code: 4002, error: null };

it.each(['failed', 'closed'])('ends when the connection is %s', async (state) => {
  const socket = await connected();
  peer.becomes(state);
  expect(states.at(-1)).toEqual(lost);
  expect(socket.closedByPage).toBe(true);
});

it('ends when "disconnected" lasts, and not when it passes', async () => {
  await connected();
  peer.becomes('disconnected');
  timers.advance(4_999);
  peer.becomes('connected');
  timers.advance(60_000);
  expect(states.at(-1)).toEqual({ name: 'connected' });
  peer.becomes('disconnected');
  timers.advance(5_000);
  expect(states.at(-1)).toEqual(lost);
});

it('ends when there is no media connection in time', async () => {
  await answered();
  timers.advance(15_000);
  expect(states.at(-1)).toEqual(lost);
});

it('ends when the answer is of no use', async () => {
  viewer.start();
  peer.setRemoteDescription = () => Promise.reject(new Error('bad'));
  FakeSocket.last.onopen?.();
  await settled();
  FakeSocket.last.serverSends({ type: 'answer', sdp: 'x' });
  await settled();
  expect(states.at(-1)).toEqual(lost);
});

it('stops once', async () => {
  const socket = await connected();
  viewer.stop();
  viewer.stop();
  socket.onclose?.({ code: 1006 });
  expect(states.filter(({ name }) => name === 'closed')).toEqual([{ name: 'closed', code: 1000, error: null }]);
  expect(peer.closed).toBe(true);
});
