import { expect, it } from 'vitest';

import { pictureText } from './messages';
import {
  before, CHECK_MS, CREATE_MS, EMPTY, FROZEN_MS, goal, step, UNTOLD_MS, type Facts, type Tile, type TileEvent,
} from './phase';
import { LIMITS, random } from './testing';
import type { SlotReason } from '../wire';

const START = 1_000;
const REASONS: SlotReason[] = [
  'NotPublishing', 'NoKeyFrame', 'Deleted', 'TakenOver', 'IceFailed', 'ConnectTimeout', 'DtlsClosed', 'Drained', 'Shutdown',
];

/** A tile with its clock. */
class Play {
  tile: Tile = EMPTY;
  now = START;
  asked = 0;

  on(...events: TileEvent[]): this {
    for (const event of events) {
      const { tile, ask } = step(this.tile, event, this.now, LIMITS);
      this.tile = tile;
      this.asked += ask ? 1 : 0;
    }

    return this;
  }

  after(ms: number): this {
    const end = this.now + ms;
    while (this.tile.deadline !== null && this.tile.deadline <= end) {
      this.now = Math.max(this.now, this.tile.deadline);
      const was = this.tile;
      this.on({ type: 'tick' });
      must(this.tile !== was, 'a tick at the deadline does nothing');
    }
    this.now = end;

    return this;
  }

  get says(): string {
    const { phase, reason, frozen } = this.tile;

    return [phase, reason, frozen ? 'frozen' : null].filter((part) => part !== null).join(' ');
  }
}

const LIVE = { state: 'Live', streaming: true, shard: 'sfu-0' } as const;
const wanted: TileEvent = { type: 'wanted', wanted: true };
const live: TileEvent = { type: 'student', student: LIVE };
const assigned: TileEvent = { type: 'place', place: 'assigned' };
const connected: TileEvent = { type: 'pod', pod: 'connected' };
const playing: TileEvent = { type: 'slot', slot: { state: 'playing', rtpTimestamp: 500 } };
const attached: TileEvent = { type: 'attached', attached: true };
const frame = (rtpTimestamp?: number): TileEvent => ({ type: 'frame', ...(rtpTimestamp === undefined ? {} : { rtpTimestamp }) });

const attaching = () => new Play().on(wanted, live, assigned, connected, attached, playing);

it('goes its way: idle, checking, creating_consumer, attaching, playing, idle', () => {
  const play = new Play();
  expect(play.says).toBe('idle');
  expect(play.on(live, wanted).says).toBe('checking');
  expect(play.on(assigned).says).toBe('checking');
  expect(play.on(connected).says).toBe('creating_consumer');
  expect(play.on({ type: 'slot', slot: { state: 'pending', reason: 'NoKeyFrame' } }).says).toBe('creating_consumer NoKeyFrame');
  expect(play.on(playing).says).toBe('attaching');
  expect(play.on(attached).says).toBe('attaching');
  expect(play.on(frame(499)).says).toBe('attaching');
  expect(play.on(frame(500)).says).toBe('playing');
  expect(play.on({ type: 'wanted', wanted: false }).says).toBe('idle');
});

it('frames from before the slot’s timestamp are somebody else’s, also where the numbers go round', () => {
  expect([before(499, 500), before(500, 500), before(501, 500)]).toEqual([true, false, false]);
  expect([before(0xffff_fff0, 5), before(5, 0xffff_fff0)]).toEqual([true, false]);
  const play = attaching().on({ type: 'slot', slot: null }, { type: 'slot', slot: { state: 'playing', rtpTimestamp: 0xffff_ff00 } });
  expect(play.on(frame(0xffff_fe00)).says).toBe('attaching');
  expect(play.on(frame(10)).says).toBe('playing');
});

it('a browser that does not tell timestamps waits a moment', () => {
  const play = attaching();
  play.now += UNTOLD_MS - 1;
  expect(play.on(frame()).says).toBe('attaching');
  play.now += 1;
  expect(play.on(frame()).says).toBe('playing');
});

it('no frame within 6 s: asks twice again, then says so; a late frame still counts', () => {
  const play = attaching();
  expect(play.after(LIMITS.attachTimeoutMs - 1).asked).toBe(0);
  expect(play.after(1).says).toBe('creating_consumer');
  expect(play.on(playing).says).toBe('attaching');
  play.after(LIMITS.attachTimeoutMs).on(playing);
  expect([play.asked, play.says]).toEqual([2, 'attaching']);
  expect(play.after(LIMITS.attachTimeoutMs).says).toBe('stopped NoFrames');
  expect(play.after(600_000).says).toBe('stopped NoFrames');
  expect(play.asked).toBe(2);
  expect(play.on(frame(501)).says).toBe('playing');
});

it('a picture that stops is called frozen, asked for again, and given up', () => {
  const play = attaching().on(frame(501));
  play.now += 3_000;
  play.on(frame(502));
  expect(play.after(FROZEN_MS - 1).says).toBe('playing');
  expect(play.after(1).says).toBe('playing frozen');
  expect(play.on(frame(503)).says).toBe('playing');
  expect(play.after(FROZEN_MS).says).toBe('playing frozen');
  expect(play.after(LIMITS.attachTimeoutMs).says).toBe('creating_consumer');
  expect(play.asked).toBe(1);
  expect(play.after(CREATE_MS).says).toBe('stopped NoAnswer');
});

it('a hidden page, or a tile without an element, waits without a clock', () => {
  const play = attaching().on({ type: 'visible', visible: false });
  expect(play.after(600_000).says).toBe('attaching');
  play.on({ type: 'visible', visible: true });
  expect(play.on(frame(501)).after(1_000).says).toBe('playing');
  play.on({ type: 'visible', visible: false });
  expect(play.after(600_000).says).toBe('playing');
  play.on({ type: 'visible', visible: true });
  expect(play.after(FROZEN_MS - 1).says).toBe('playing');
  play.on({ type: 'attached', attached: false });
  expect(play.after(600_000).says).toBe('attaching');
  expect(play.on(attached).after(LIMITS.attachTimeoutMs).asked).toBe(1);
});

it('a pod that does not answer, or says nothing of the slot, is said to', () => {
  expect(new Play().on(wanted, live, assigned).after(CHECK_MS).says).toBe('stopped PodConnecting');
  const play = new Play().on(wanted, live, assigned, connected).after(CREATE_MS);
  expect(play.says).toBe('stopped NoAnswer');
  expect(play.on({ type: 'slot', slot: { state: 'pending', reason: 'NoKeyFrame' } }).says).toBe('stopped NoKeyFrame');
  expect(play.on(playing).says).toBe('attaching');
});

it.each([
  ['lost', 'stopped PodLost'],
  ['gone', 'stopped PodGone'],
  ['unauthorised', 'stopped NoToken'],
] as const)('a pod that is %s is said to be, and its next word counts', (pod, says) => {
  const play = attaching().on(attached, frame(501));
  expect(play.on({ type: 'pod', pod }).says).toBe(says);
  // What the pod said before is void; it speaks before it is called connected.
  play.on({ type: 'pod', pod: 'connecting' }, { type: 'slot', slot: { state: 'playing', rtpTimestamp: 9 } });
  expect(play.on(connected).says).toBe('attaching');
});

it.each([
  ['Enrolled', 'Enrolled'], ['Joined', 'Joined'], ['Live', 'NotStreaming'], ['Interrupted', 'Interrupted'], ['Paused', 'Paused'],
  ['Finished', 'Finished'], ['Terminated', 'Terminated'],
] as const)('a student who is %s and sends nothing is not waited for', (state, reason) => {
  const play = attaching().on(frame(501), { type: 'student', student: { state, streaming: false, shard: 'sfu-0' } });
  expect(play.says).toBe(`stopped ${reason}`);
  // The pod's slot plays on: once the camera is back, so does the tile.
  expect(play.on(live, frame(600)).says).toBe('playing');
});

it('who has no slot is told so, and so is who is gone or nowhere', () => {
  expect(new Play().on(wanted, live, { type: 'place', place: 'short' }).says).toBe('stopped NoSlot');
  expect(new Play().on(wanted).says).toBe('stopped Unknown');
  expect(new Play().on(wanted, { type: 'student', student: { state: 'Live', streaming: true } }).says).toBe('stopped NoPod');
});

const SLOTS: Facts['slot'][] = [
  null,
  { state: 'free' },
  { state: 'paused' },
  { state: 'pending' },
  ...REASONS.map((reason): Facts['slot'] => ({ state: 'pending', reason })),
  { state: 'playing' },
  { state: 'playing', rtpTimestamp: 500 },
];
const STUDENTS: Facts['student'][] = [
  null,
  { state: 'Live', streaming: true },
  ...(['Enrolled', 'Joined', 'Live', 'Interrupted', 'Paused', 'Finished', 'Terminated'] as const).flatMap((state) =>
    [true, false].map((streaming) => ({ state, streaming, shard: 'sfu-0' })),
  ),
];
const EVENTS: TileEvent[] = [
  ...[true, false].flatMap((yes): TileEvent[] => [
    { type: 'wanted', wanted: yes }, { type: 'attached', attached: yes }, { type: 'visible', visible: yes },
  ]),
  ...STUDENTS.map((student): TileEvent => ({ type: 'student', student })),
  ...(['connecting', 'connected', 'lost', 'gone', 'unauthorised'] as const).map((pod): TileEvent => ({ type: 'pod', pod })),
  ...(['none', 'short', 'assigned'] as const).map((place): TileEvent => ({ type: 'place', place })),
  ...SLOTS.map((slot): TileEvent => ({ type: 'slot', slot })),
  frame(), frame(499), frame(500), frame(501), { type: 'tick' },
];

/** The longest way: a slot that never plays, or one that plays three times without a frame. */
const BOUND_MS = CHECK_MS + (LIMITS.attachRetries + 1) * (LIMITS.attachTimeoutMs + CREATE_MS) + FROZEN_MS + LIMITS.attachTimeoutMs;

/** expect, for what is looked at a million times. */
function must(holds: boolean, what: string): void {
  if (!holds) {
    expect.fail(what);
  }
}

/** What holds of every tile at every moment. */
function holds({ tile }: Play): void {
  const { phase, reason, frozen, facts, deadline } = tile;
  const watched = facts.attached && facts.visible;
  must(pictureText(phase, reason, frozen) !== '' || (phase === 'playing' && !frozen), 'no picture without words');
  must(phase !== 'stopped' || reason !== null, 'stopped without a reason');
  must(phase !== 'playing' || (goal(facts).phase === 'attaching' && facts.attached), 'plays without a slot that does');
  if (phase === 'checking' || phase === 'creating_consumer' || ((phase === 'attaching' || phase === 'playing') && watched)) {
    must(deadline !== null, `${phase} without a deadline`);
  }
}

/** Left alone, every tile comes to rest: with a reason, or where nobody looks. */
function comesToRest(play: Play): void {
  play.after(BOUND_MS);
  const { phase, facts } = play.tile;
  const unwatched = !facts.attached || !facts.visible;
  must(phase === 'idle' || phase === 'stopped' || (unwatched && ['attaching', 'playing'].includes(phase)), `at rest in ${play.says}`);
  must(play.tile.deadline === null, `${play.says} has a deadline`);
  holds(play);
}

/**
 * So many of the states that the fewest events lead to, from nothing and from all
 * along the way to a picture; a clock and a frame's exact time make no other one.
 */
const STATES = 5_000;

function reachable(): Play[] {
  const key = ({ tile, now }: Play) =>
    JSON.stringify([tile.phase, tile.reason, tile.frozen, tile.facts, tile.retries, tile.gaveUp, (tile.deadline ?? 0) - now]);
  const found = new Map<string, Play>();
  const next = [
    new Play(), new Play().on(wanted, live), new Play().on(wanted, live, assigned), new Play().on(wanted, live, assigned, connected),
    attaching(), attaching().on(frame(501)), attaching().on(frame(501)).after(FROZEN_MS), attaching().after(LIMITS.attachTimeoutMs),
  ];
  // The facts that decide most, and the passing of deadlines, in every order.
  const events = EVENTS.filter(
    (event) => event.type !== 'student' || event.student === null || event.student.state === 'Live' || event.student.state === 'Paused',
  ).filter((event) => event.type !== 'slot' || event.slot?.reason === undefined || event.slot.reason === 'NoKeyFrame');
  for (const play of next) {
    if (found.size === STATES) {
      break;
    }
    const name = key(play);
    if (found.has(name)) {
      continue;
    }
    found.set(name, play);
    const steps = [...events.map((event) => (to: Play) => to.on(event)), (to: Play) => to.after(Math.max(0, (to.tile.deadline ?? to.now) - to.now))];
    for (const take of steps) {
      const to = new Play();
      Object.assign(to, { tile: play.tile, now: play.now });
      next.push(take(to));
    }
  }

  return [...found.values()];
}

it('from every state that is reached, whatever comes: words or a picture, and rest within bounded time', () => {
  const states = reachable();
  expect(states).toHaveLength(STATES);
  expect(new Set(states.map(({ tile }) => tile.phase)).size).toBe(6);
  for (const play of states) {
    holds(play);
    comesToRest(play);
  }
});

it('long random lives keep the same promises', () => {
  for (let seed = 1; seed <= 300; seed += 1) {
    const draw = random(seed);
    const play = new Play();
    for (let i = 0; i < 200; i += 1) {
      const event = EVENTS[Math.floor(draw() * EVENTS.length)];
      if (event !== undefined) {
        play.on(event);
      }
      if (draw() < 0.3) {
        play.after(Math.floor(draw() * 8_000));
      }
      holds(play);
    }
    comesToRest(play);
  }
});

it('from everywhere, a student who sends and a pod that plays lead to a picture', () => {
  for (const play of reachable()) {
    play.on(
      wanted, live, { type: 'place', place: 'none' }, assigned, connected, { type: 'visible', visible: true }, attached,
      { type: 'slot', slot: null }, playing, frame(501),
    );
    must(play.says === 'playing', play.says);
  }
});
