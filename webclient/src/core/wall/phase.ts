// One tile's picture: what is known of it, and which phase that makes.
//
//   idle ─▶ checking ─▶ creating_consumer ─▶ attaching ─▶ playing
//                any of them ─▶ stopped, with a reason
//
// Facts come in any order and may contradict each other for a while (the feed and
// the pod are two sources), so a phase is not stepped to by events: it follows
// from the facts, and each phase that waits has a deadline after which it is
// stopped and says why. A stopped tile goes on by itself when its facts allow it.
// Pure: time comes in with each event, and what is to be done comes out.

import type { SlotReason } from '../wire';
import type { FeedSession } from '../wire-invigilator';
import type { Slot } from '../slot-viewer';

export type PhaseName = 'idle' | 'checking' | 'creating_consumer' | 'attaching' | 'playing' | 'stopped';

/** Why there is no picture; messages.ts has words for each. */
export type StopReason =
  // The student's own state, where it explains that nothing is sent.
  | 'Enrolled' | 'Joined' | 'Interrupted' | 'Paused' | 'Finished' | 'Terminated'
  /** Live by the server's word, and no camera arrives. */
  | 'NotStreaming'
  /** Not on the roster any more. */
  | 'Unknown'
  /** The feed names no pod. */
  | 'NoPod'
  /** The pod does not answer yet. */
  | 'PodConnecting'
  /** The connection to the pod was lost; it is being made again. */
  | 'PodLost'
  /** There is no such pod (any more). */
  | 'PodGone'
  /** The pod is asked again with a token that the server accepts. */
  | 'NoToken'
  /** All slots of the pod are taken by tiles in sight. */
  | 'NoSlot'
  /** The pod was asked, and says nothing. */
  | 'NoAnswer'
  /** The pod sends, and no frame arrives. */
  | 'NoFrames'
  | SlotReason;

export type PodState = 'connecting' | 'connected' | 'lost' | 'gone' | 'unauthorised';

export interface Facts {
  /** In sight, or near it. */
  wanted: boolean;
  student: Pick<FeedSession, 'state' | 'streaming' | 'shard'> | null;
  pod: PodState;
  /** Whether the student has a slot; short: there is none to give. */
  place: 'none' | 'short' | 'assigned';
  /** What the pod last said of the slot since the student was assigned. */
  slot: Pick<Slot, 'state' | 'reason' | 'rtpTimestamp'> | null;
  /** A video element shows the slot's track. */
  attached: boolean;
  /** The page is shown, and an element of it in sight: others need not present frames. */
  visible: boolean;
}

export interface Tile {
  readonly phase: PhaseName;
  /** Why it is stopped, or what the pod says it waits for. */
  readonly reason: StopReason | null;
  /** It plays, and frames have stopped. */
  readonly frozen: boolean;
  readonly facts: Readonly<Facts>;
  /** When a tick does something; null: never. */
  readonly deadline: number | null;
  /** How often the picture was asked for again. */
  readonly retries: number;
  /** Of the last frame that was this student's. */
  readonly frameAt: number;
  /** When the pod said that the slot plays. */
  readonly playingAt: number;
  /** Deadlines that have passed: the phase is not tried again until its facts are others. */
  readonly gaveUp: PhaseName | null;
}

export type TileEvent =
  | { type: 'wanted'; wanted: boolean }
  | { type: 'student'; student: Facts['student'] }
  | { type: 'pod'; pod: PodState }
  | { type: 'place'; place: Facts['place'] }
  | { type: 'slot'; slot: Facts['slot'] }
  | { type: 'attached'; attached: boolean }
  | { type: 'visible'; visible: boolean }
  /** rtpTimestamp where the browser tells it. */
  | { type: 'frame'; rtpTimestamp?: number }
  | { type: 'tick' };

export interface TileTimes {
  attachTimeoutMs: number;
  attachRetries: number;
}

export interface Step {
  tile: Tile;
  /** Assign the slot to the student once more. */
  ask: boolean;
}

/** How long a tile may look for its pod, and wait for the pod's word. */
export const CHECK_MS = 6_000;
export const CREATE_MS = 6_000;
/** A picture that stands still for so long is called frozen. The low layer has several frames a second. */
export const FROZEN_MS = 4_000;
/** Where a frame does not tell its timestamp: how long after the pod's word frames may be of whom the slot showed before. */
export const UNTOLD_MS = 500;

export const EMPTY: Tile = {
  phase: 'idle',
  reason: null,
  frozen: false,
  facts: { wanted: false, student: null, pod: 'connecting', place: 'none', slot: null, attached: false, visible: true },
  deadline: null,
  retries: 0,
  frameAt: 0,
  playingAt: 0,
  gaveUp: null,
};

export function step(tile: Tile, event: TileEvent, now: number, times: TileTimes): Step {
  switch (event.type) {
    case 'frame':
      return done(frame(tile, event.rtpTimestamp, now));
    case 'tick':
      return tile.deadline === null || now < tile.deadline ? done(tile) : passed(tile, now, times);
    default:
      return done(settle(learn(tile, event, now), now, times));
  }
}

type News = Exclude<TileEvent, { type: 'frame' | 'tick' }>;

function learn(tile: Tile, event: News, now: number): Tile {
  const { facts } = tile;
  switch (event.type) {
    case 'wanted':
      return { ...tile, facts: { ...facts, wanted: event.wanted } };
    case 'student':
      return { ...tile, facts: { ...facts, student: event.student } };
    case 'pod':
      return event.pod === facts.pod ? tile : afresh({ ...tile, facts: podIs(facts, event.pod) });
    case 'place':
      return event.place === facts.place ? tile : afresh({ ...tile, facts: { ...facts, place: event.place, slot: null } });
    case 'slot':
      return slotSaid(tile, event.slot, now);
    case 'attached':
      return event.attached === facts.attached ? tile : afresh({ ...tile, facts: { ...facts, attached: event.attached } });
    case 'visible':
      return event.visible === facts.visible
        ? tile
        : afresh({ ...tile, frameAt: now, frozen: false, facts: { ...facts, visible: event.visible } });
  }
}

/** What a connection that is gone has said of the slot is void; the next one may speak before it is called connected. */
function podIs(facts: Facts, pod: PodState): Facts {
  return pod === 'connecting' || pod === 'connected' ? { ...facts, pod } : { ...facts, pod, slot: null };
}

/** A later word on the same picture keeps the first mark: its frames are all this student's. */
function slotSaid(tile: Tile, slot: Facts['slot'], now: number): Tile {
  const { facts, gaveUp } = tile;
  if (slot?.state !== 'playing') {
    return { ...tile, facts: { ...facts, slot } };
  }
  const before = facts.slot?.state === 'playing' ? facts.slot : null;
  const mark = slot.rtpTimestamp ?? before?.rtpTimestamp;

  return {
    ...tile,
    facts: { ...facts, slot: { state: 'playing', ...(mark === undefined ? {} : { rtpTimestamp: mark }) } },
    playingAt: before === null ? now : tile.playingAt,
    gaveUp: gaveUp === 'attaching' && before !== null && slot.rtpTimestamp === undefined ? gaveUp : null,
  };
}

/** What was tried in vain may be tried again. */
function afresh(tile: Tile): Tile {
  return { ...tile, gaveUp: null, retries: 0 };
}

function done(tile: Tile): Step {
  return { tile, ask: false };
}

/** Where the facts lead, and what is said there. */
export function goal({ wanted, student, pod, place, slot }: Facts): { phase: PhaseName; reason: StopReason | null } {
  const stopped = (reason: StopReason) => ({ phase: 'stopped' as const, reason });
  if (!wanted) {
    return { phase: 'idle', reason: null };
  }
  if (student === null) {
    return stopped('Unknown');
  }
  if (!student.streaming) {
    return stopped(student.state === 'Live' ? 'NotStreaming' : student.state);
  }
  if (student.shard === undefined || student.shard === '') {
    return stopped('NoPod');
  }
  if (place === 'short') {
    return stopped('NoSlot');
  }
  if (place === 'none') {
    return { phase: 'checking', reason: null };
  }
  switch (pod) {
    case 'gone':
      return stopped('PodGone');
    case 'lost':
      return stopped('PodLost');
    case 'unauthorised':
      return stopped('NoToken');
    case 'connecting':
      return { phase: 'checking', reason: null };
    case 'connected':
      break;
  }
  if (slot?.state === 'playing') {
    return { phase: 'attaching', reason: null };
  }

  return { phase: 'creating_consumer', reason: slot?.state === 'pending' ? (slot.reason ?? null) : null };
}

/** Moves to where the facts lead, and gives a phase that is new its deadline. */
function settle(tile: Tile, now: number, times: TileTimes): Tile {
  const { phase, reason } = goal(tile.facts);
  if (phase === 'attaching') {
    return settlePicture(tile, now, times);
  }
  if (phase === 'idle' || phase === 'stopped') {
    return { ...tile, phase, reason, frozen: false, deadline: null, retries: 0, gaveUp: null };
  }
  if (tile.gaveUp === phase) {
    // The pod may have a better reason by now.
    return { ...tile, phase: 'stopped', reason: reason ?? tile.reason, frozen: false, deadline: null };
  }
  if (tile.phase === phase) {
    return { ...tile, reason };
  }
  const deadline = now + (phase === 'checking' ? CHECK_MS : CREATE_MS);

  return { ...tile, phase, reason, frozen: false, deadline, gaveUp: null };
}

/** The pod sends; whether it is seen is up to frames, and those to an element on a page that is shown. */
function settlePicture(tile: Tile, now: number, { attachTimeoutMs }: TileTimes): Tile {
  const { attached, visible } = tile.facts;
  const watched = attached && visible;
  if (tile.gaveUp === 'attaching') {
    return { ...tile, phase: 'stopped', reason: 'NoFrames', frozen: false, deadline: null };
  }
  if (tile.phase === 'playing' && attached) {
    return { ...tile, deadline: visible ? (tile.deadline ?? now + FROZEN_MS) : null };
  }
  const deadline = watched ? now + attachTimeoutMs : null;
  if (tile.phase === 'attaching') {
    return { ...tile, reason: null, deadline: watched ? (tile.deadline ?? deadline) : null };
  }

  return { ...tile, phase: 'attaching', reason: null, frozen: false, deadline, gaveUp: null };
}

function frame(tile: Tile, rtpTimestamp: number | undefined, now: number): Tile {
  if (!counts(tile, rtpTimestamp, now)) {
    return tile;
  }
  if (tile.phase === 'playing' && !tile.frozen) {
    return { ...tile, frameAt: now };
  }

  return {
    ...tile, phase: 'playing', reason: null, frozen: false, frameAt: now, deadline: now + FROZEN_MS, retries: 0, gaveUp: null,
  };
}

/** Whether a frame is this student's, and may be shown. */
function counts({ facts, playingAt }: Tile, rtpTimestamp: number | undefined, now: number): boolean {
  const { slot, attached } = facts;
  if (goal(facts).phase !== 'attaching' || !attached || slot === null) {
    return false;
  }
  if (rtpTimestamp === undefined || slot.rtpTimestamp === undefined) {
    return now - playingAt >= UNTOLD_MS;
  }

  return !before(rtpTimestamp, slot.rtpTimestamp);
}

/** RTP timestamps are 32 bits that go round. */
export function before(a: number, b: number): boolean {
  return ((a - b) | 0) < 0;
}

/** A deadline has passed. */
function passed(tile: Tile, now: number, times: TileTimes): Step {
  const { phase, facts, frameAt, retries } = tile;
  switch (phase) {
    case 'playing':
      if (now < frameAt + FROZEN_MS) {
        return done({ ...tile, deadline: frameAt + FROZEN_MS });
      }
      if (!tile.frozen) {
        return done({ ...tile, frozen: true, deadline: now + times.attachTimeoutMs });
      }

      return again(tile, now);
    case 'attaching':
      return retries < times.attachRetries
        ? again(tile, now)
        : done({ ...tile, phase: 'stopped', reason: 'NoFrames', deadline: null, gaveUp: phase });
    case 'creating_consumer':
      return done({ ...tile, phase: 'stopped', reason: facts.slot?.reason ?? 'NoAnswer', deadline: null, gaveUp: phase });
    case 'checking':
      return done({ ...tile, phase: 'stopped', reason: 'PodConnecting', deadline: null, gaveUp: phase });
    case 'idle':
    case 'stopped':
      return done({ ...tile, deadline: null });
  }
}

function again(tile: Tile, now: number): Step {
  return {
    tile: {
      ...tile,
      phase: 'creating_consumer',
      reason: null,
      frozen: false,
      deadline: now + CREATE_MS,
      retries: tile.retries + 1,
      facts: { ...tile.facts, slot: null },
    },
    ask: true,
  };
}
