// What the tests of the wall stand on, beside core/testing.ts.

import type { SlotReason, SlotState } from '../wire';
import type { ViewerState } from '../slot-viewer';
import type { FeedMessage, FeedSession, TileLimits } from '../wire-invigilator';
import type { Viewer, ViewerCallbacks } from './pod';

export const LIMITS: TileLimits = { slotsPerShard: 3, warm: 2, offscreenGraceMs: 45_000, attachTimeoutMs: 6_000, attachRetries: 2 };

export function session(student: string, more: Partial<FeedSession> = {}): FeedSession {
  return { student, name: `Name of ${student}`, state: 'Live', streaming: true, score: 0, level: 'clear', shard: 'sfu-0', ...more };
}

export function snapshot(sessions: FeedSession[], more: Partial<FeedMessage> = {}): FeedMessage {
  return {
    type: 'snapshot',
    at: 1_000_000,
    exam: { namespace: 'default', name: 'finals', title: 'Finals', now: 1_000_000 },
    status: { storeAvailable: true, shards: [{ name: 'sfu-0', ready: true, streaming: 0 }] },
    sessions,
    ...more,
  };
}

export function delta(...sessions: FeedSession[]): FeedMessage {
  return { type: 'delta', at: 1_000_000, sessions };
}

/** A pod's viewer that does as it is told, and tells what it was told. */
export class FakeViewer implements Viewer {
  static made: FakeViewer[] = [];
  readonly shard: string;
  readonly token: string;
  readonly commands: string[] = [];
  readonly callbacks: ViewerCallbacks;
  readonly students = new Map<number, string>();
  stopped = false;

  constructor(shard: string, token: string, callbacks: ViewerCallbacks) {
    this.shard = shard;
    this.token = token;
    this.callbacks = callbacks;
    FakeViewer.made.push(this);
  }

  static of(shard: string): FakeViewer {
    const viewer = FakeViewer.made.findLast((one) => one.shard === shard);
    if (viewer === undefined) {
      throw new Error(`no viewer of ${shard}`);
    }

    return viewer;
  }

  start(): void {
    this.becomes({ name: 'connecting' });
  }

  stop(): void {
    this.stopped = true;
  }

  track(slot: number): MediaStreamTrack {
    return { id: `${this.shard}/${String(slot)}/${String(FakeViewer.made.indexOf(this))}` } as MediaStreamTrack;
  }

  assign(slot: number, student: string, layer = 'low'): void {
    this.students.set(slot, student);
    this.commands.push(`assign ${String(slot)} ${student} ${layer}`);
  }

  layer(slot: number, layer: string): void {
    this.commands.push(`layer ${String(slot)} ${layer}`);
  }

  pause(slot: number): void {
    this.commands.push(`pause ${String(slot)}`);
  }

  resume(slot: number): void {
    this.commands.push(`resume ${String(slot)}`);
  }

  release(slot: number): void {
    this.students.delete(slot);
    this.commands.push(`release ${String(slot)}`);
  }

  becomes(state: ViewerState): void {
    this.callbacks.onState(state);
  }

  closes(code: number): void {
    this.becomes({ name: 'closed', code, error: null });
  }

  /** The pod's word on whichever slot the student has. */
  says(student: string, state: SlotState, more: { rtpTimestamp?: number; reason?: SlotReason } = {}): void {
    for (const [slot, one] of this.students) {
      if (one === student) {
        this.callbacks.onSlot({ slot, student, state, ...more });
      }
    }
  }
}

/** The same numbers for the same seed (mulberry32). */
export function random(seed: number): () => number {
  let state = seed;

  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;

    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
