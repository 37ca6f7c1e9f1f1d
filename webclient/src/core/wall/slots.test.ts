import { beforeEach, expect, it, vi } from 'vitest';

import { FakeTimers } from '../testing';
import { type Shown, Slots } from './slots';
import { WallStore } from './store';
import { delta, FakeViewer, LIMITS, session, snapshot } from './testing';
import { TokenKeeper } from './token';

let timers: FakeTimers;
let store: WallStore;
let keeper: TokenKeeper;
let slots: Slots;

beforeEach(() => {
  FakeViewer.made = [];
  timers = new FakeTimers();
  store = new WallStore(() => timers.now());
  const kept = { getItem: () => null, setItem: () => undefined, removeItem: () => undefined };
  keeper = new TokenKeeper({ examPath: '/x/', store: kept, channel: null }, 'token-1');
  slots = new Slots({
    limits: LIMITS,
    store,
    keeper,
    timers,
    random: () => 1,
    createViewer: (shard, token, callbacks) => new FakeViewer(shard, token, callbacks),
    createStream: (track) => ({ id: track.id }) as MediaStream,
  });
  store.apply(
    snapshot([
      ...['a', 'b', 'c', 'd', 'e'].map((id) => session(id)),
      session('x', { shard: 'sfu-1' }),
      session('off', { streaming: false, state: 'Interrupted' }),
    ]),
  );
});

const phase = (id: string) => {
  const picture = slots.picture(id);

  return [picture.phase, picture.reason, picture.frozen ? 'frozen' : null].filter((part) => part !== null).join(' ');
};

/** The student's stream, which there has to be. */
function streamOf(id: string): MediaStream {
  const { stream } = slots.picture(id);
  if (stream === null) {
    throw new Error(`${id} has no stream`);
  }

  return stream;
}

/** An element in sight. */
function show(id: string): Shown {
  const element = slots.attach(id);
  element.setInSight(true);

  return element;
}

/** Shows a student with an element, all the way to a picture. */
function plays(id: string, rtpTimestamp = 100): Shown {
  const viewer = FakeViewer.of(store.session(id)?.shard ?? '');
  viewer.becomes({ name: 'connected' });
  viewer.says(id, 'playing', { rtpTimestamp });
  const element = show(id);
  const stream = streamOf(id);
  expect(slots.presented(id, stream, rtpTimestamp - 1)).toBe(false);
  expect(slots.presented(id, stream, rtpTimestamp)).toBe(true);
  expect(phase(id)).toBe('playing');

  return element;
}

it('one viewer for each pod that somebody is wanted of, and slots for those who stream', () => {
  expect(FakeViewer.made).toHaveLength(0);
  slots.show(['a', 'off', 'x'], ['b']);
  expect(FakeViewer.made.map(({ shard, token }) => `${shard} ${token}`).sort()).toEqual(['sfu-0 token-1', 'sfu-1 token-1']);
  expect(FakeViewer.of('sfu-0').commands).toEqual(['assign 0 a low', 'assign 1 b low']);
  expect(phase('off')).toBe('stopped Interrupted');
  expect(phase('a')).toBe('checking');
  plays('a');
  plays('x');
});

it('listeners hear of another picture, and not of each frame', () => {
  slots.show(['a'], []);
  const told = vi.fn();
  const leave = slots.subscribe('a', told);
  plays('a');
  const times = told.mock.calls.length;
  const stream = streamOf('a');
  for (let i = 0; i < 100; i += 1) {
    timers.advance(100);
    slots.presented('a', stream, 200 + i);
  }
  expect(told).toHaveBeenCalledTimes(times);
  timers.advance(4_000);
  expect(phase('a')).toBe('playing frozen');
  expect(told).toHaveBeenCalledTimes(times + 1);
  leave();
});

it('out of sight a tile keeps its slot, paused, for 45 s; back in time it plays on', () => {
  slots.show(['a'], []);
  plays('a').detach();
  slots.show([], []);
  const viewer = FakeViewer.of('sfu-0');
  expect(viewer.commands.at(-1)).toBe('pause 0');
  timers.advance(44_000);
  slots.show(['a'], []);
  expect(viewer.commands.at(-1)).toBe('resume 0');
  slots.show([], []);
  timers.advance(44_999);
  expect(viewer.stopped).toBe(false);
  timers.advance(1);
  expect(viewer.stopped).toBe(true);
  expect(timers.pending).toBe(0);
  slots.show(['a'], []);
  expect(FakeViewer.made).toHaveLength(2);
});

it('never more than the pod has; who gets none is told so, and gets one as soon as there is one', () => {
  slots.show(['a', 'b', 'c', 'd'], []);
  expect(FakeViewer.of('sfu-0').students.size).toBe(3);
  expect(phase('d')).toBe('stopped NoSlot');
  slots.focus('d');
  expect(FakeViewer.of('sfu-0').commands.at(-1)).toBe('assign 2 d high');
  expect(phase('c')).toBe('stopped NoSlot');
  slots.focus(null);
  store.apply(delta(session('a', { streaming: false })));
  // A student who has just stopped may be back: their slot is the first to go to somebody in sight.
  expect(FakeViewer.of('sfu-0').commands.slice(-2)).toEqual(['layer 2 low', 'assign 0 c low']);
});

it('a student who moves is watched on the other pod, and what the first said is void', () => {
  slots.show(['a'], []);
  plays('a');
  const stream = streamOf('a');
  store.apply(delta(session('a', { shard: 'sfu-1' })));
  expect(FakeViewer.of('sfu-1').commands).toEqual(['assign 0 a low']);
  expect(FakeViewer.of('sfu-0').stopped).toBe(true);
  expect(phase('a')).toBe('checking');
  expect(slots.picture('a').stream).not.toBe(stream);
  expect(slots.presented('a', stream, 999)).toBe(false);
  const other = FakeViewer.of('sfu-1');
  other.becomes({ name: 'connected' });
  other.says('a', 'playing', { rtpTimestamp: 7 });
  expect(slots.presented('a', streamOf('a'), 7)).toBe(true);
});

it('a slot that is given to another student covers both at once', () => {
  slots.show(['a', 'b', 'c'], []);
  plays('c');
  const stream = streamOf('c');
  slots.focus('d');
  expect(phase('c')).toBe('stopped NoSlot');
  expect(slots.picture('c').stream).toBeNull();
  expect(slots.picture('d').stream).toBe(stream);
  FakeViewer.of('sfu-0').says('d', 'playing', { rtpTimestamp: 500 });
  show('d');
  expect(slots.presented('d', stream, 499)).toBe(false);
  expect(phase('d')).toBe('attaching');
});

it('a viewer that closes comes back with a back-off, everybody in their slots', () => {
  slots.show(['a', 'b'], []);
  plays('a');
  FakeViewer.of('sfu-0').closes(4002);
  expect([phase('a'), phase('b')]).toEqual(['stopped PodLost', 'stopped PodLost']);
  expect(slots.picture('a').stream).toBeNull();
  timers.advance(500);
  expect(FakeViewer.made).toHaveLength(2);
  expect(FakeViewer.of('sfu-0').commands).toEqual(['assign 0 a low', 'assign 1 b low']);
  // The pod may say that it plays before the connection is called up.
  FakeViewer.of('sfu-0').says('b', 'playing', { rtpTimestamp: 3 });
  FakeViewer.of('sfu-0').becomes({ name: 'connected' });
  show('b');
  expect(slots.presented('b', streamOf('b'), 3)).toBe(true);
  FakeViewer.of('sfu-0').closes(1006);
  timers.advance(499);
  expect(FakeViewer.made).toHaveLength(2);
  slots.hurry();
  expect(FakeViewer.made).toHaveLength(3);
});

it('a pod that is not there is asked again when the feed has it, or seldom', () => {
  slots.show(['a'], []);
  FakeViewer.of('sfu-0').closes(4404);
  expect(phase('a')).toBe('stopped PodGone');
  timers.advance(29_999);
  expect(FakeViewer.made).toHaveLength(1);
  store.apply({ type: 'status', at: 1, status: { storeAvailable: true, shards: [{ name: 'sfu-0', ready: true, streaming: 1 }] } });
  expect(FakeViewer.made).toHaveLength(2);
});

it('4401 waits for another token', () => {
  slots.show(['a'], []);
  FakeViewer.of('sfu-0').closes(4401);
  expect(phase('a')).toBe('stopped NoToken');
  expect(keeper.state()).toEqual({ name: 'expired' });
  timers.advance(600_000);
  expect(FakeViewer.made).toHaveLength(1);
  keeper.renew('token-2');
  expect(FakeViewer.of('sfu-0').token).toBe('token-2');
  plays('a');
});

it('a picture that does not come is asked for again, then called missing', () => {
  slots.show(['a'], []);
  const viewer = FakeViewer.of('sfu-0');
  viewer.becomes({ name: 'connected' });
  show('a');
  for (let i = 0; i < 3; i += 1) {
    viewer.says('a', 'playing', { rtpTimestamp: 1 });
    timers.advance(LIMITS.attachTimeoutMs);
  }
  expect(viewer.commands).toEqual(['assign 0 a low', 'assign 0 a low', 'assign 0 a low']);
  expect(phase('a')).toBe('stopped NoFrames');
});

it('a page that is hidden judges nothing', () => {
  slots.show(['a'], []);
  plays('a');
  slots.setVisible(false);
  timers.advance(600_000);
  expect(phase('a')).toBe('playing');
  slots.setVisible(true);
  timers.advance(4_000);
  expect(phase('a')).toBe('playing frozen');
});

it('an element that is out of sight judges nothing', () => {
  slots.show(['a'], []);
  const viewer = FakeViewer.of('sfu-0');
  viewer.becomes({ name: 'connected' });
  viewer.says('a', 'playing', { rtpTimestamp: 1 });
  const element = slots.attach('a');
  timers.advance(600_000);
  expect(phase('a')).toBe('attaching');
  expect(viewer.commands).toEqual(['assign 0 a low']);

  element.setInSight(true);
  expect(slots.presented('a', streamOf('a'), 1)).toBe(true);
  element.setInSight(false);
  timers.advance(600_000);
  expect(phase('a')).toBe('playing');

  element.setInSight(true);
  timers.advance(4_000);
  expect(phase('a')).toBe('playing frozen');
});

it('two elements of one student: one in sight is enough', () => {
  slots.show(['a'], []);
  const tile = plays('a');
  const panel = slots.attach('a');
  panel.setInSight(true);
  tile.setInSight(false);
  timers.advance(4_000);
  expect(phase('a')).toBe('playing frozen');
  expect(slots.presented('a', streamOf('a'), 200)).toBe(true);
  panel.detach();
  timers.advance(600_000);
  expect(phase('a')).toBe('playing');
});

it('stops for good, and nothing is left', () => {
  slots.show(['a'], ['x']);
  plays('a').detach();
  slots.stop();
  expect(FakeViewer.made.every(({ stopped }) => stopped)).toBe(true);
  expect(timers.pending).toBe(0);
});
