// One SFU pod as the wall watches it: its viewer, for as long as somebody is
// wanted there, its slots, and the way back when the viewer has closed.

import { Backoff } from '../backoff';
import type { Slot, SlotViewer, SlotViewerOptions } from '../slot-viewer';
import type { Timers } from '../timers';
import { FeedCloseCode } from '../wire-invigilator';
import type { PodState } from './phase';
import { difference, layerOf, type Seats } from './plan';

export type Viewer = Pick<SlotViewer, 'start' | 'stop' | 'track' | 'assign' | 'layer' | 'pause' | 'resume' | 'release'>;

export type ViewerCallbacks = Pick<SlotViewerOptions, 'onState' | 'onSlot' | 'onMoved' | 'onRefused'>;

export interface PodOptions {
  shard: string;
  slots: number;
  createViewer: (shard: string, token: string, callbacks: ViewerCallbacks) => Viewer;
  createStream: (track: MediaStreamTrack) => MediaStream;
  /** null: there is none that the server accepts; hurry() when there is. */
  token: () => string | null;
  onToken: (token: string) => void;
  timers: Timers;
  random: () => number;
  onState: (pod: Pod) => void;
  onSlot: (pod: Pod, slot: Slot) => void;
}

/** A pod that is not there, or will not have this page, is asked again this seldom. */
const GONE_MS = 30_000;

export class Pod {
  readonly shard: string;
  seats: Seats;
  state: PodState = 'connecting';
  private readonly options: PodOptions;
  private readonly backoff: Backoff;
  private viewer: Viewer | null = null;
  private streams: MediaStream[] = [];
  private timer: number | null = null;
  private over = false;

  constructor(options: PodOptions) {
    this.options = options;
    this.shard = options.shard;
    this.seats = Array.from({ length: options.slots }, () => null);
    this.backoff = new Backoff({ firstMs: 500, maxMs: 15_000, random: options.random });
  }

  start(): void {
    this.connect();
  }

  stop(): void {
    this.over = true;
    this.clearTimer();
    this.letGo();
  }

  /** Sits everybody as planned; what has changed is told to the pod. */
  seat(seats: Seats): void {
    const commands = this.viewer === null ? [] : difference(this.seats, seats);
    this.seats = seats;
    for (const command of commands) {
      this.tell(command);
    }
  }

  /** Has the slot's picture made anew. */
  ask(slot: number): void {
    const seat = this.seats[slot];
    if (seat != null) {
      this.viewer?.assign(slot, seat.student, layerOf(seat.mode));
    }
  }

  slotOf(student: string): number {
    return this.seats.findIndex((seat) => seat?.student === student);
  }

  /** The slot's picture, the same for as long as the viewer lives; null without one. */
  stream(slot: number): MediaStream | null {
    return this.streams[slot] ?? null;
  }

  /** Network, token or pod may be back: no more waiting. */
  hurry(): void {
    if (this.viewer === null && !this.over) {
      this.clearTimer();
      this.backoff.reset();
      this.connect();
    }
  }

  private connect(): void {
    const { createStream, createViewer, shard, slots, token } = this.options;
    const bearer = token();
    if (bearer === null) {
      this.become('unauthorised');

      return;
    }
    const current = { viewer: null as Viewer | null };
    const mine = () => this.viewer !== null && this.viewer === current.viewer;
    const viewer = createViewer(shard, bearer, {
      onState: (state) => {
        if (!mine()) {
          return;
        }
        if (state.name === 'connected') {
          this.backoff.reset();
          this.become('connected');
        } else if (state.name === 'closed') {
          this.closed(state.code, bearer);
        }
      },
      onSlot: (slot) => {
        if (mine()) {
          this.options.onSlot(this, slot);
        }
      },
      // The feed says where its students go.
      onMoved: () => undefined,
      // The tile's own deadline says it.
      onRefused: () => undefined,
    });
    current.viewer = viewer;
    this.viewer = viewer;
    if (this.state === 'unauthorised' || this.state === 'gone') {
      this.become('connecting');
    }
    viewer.start();
    this.streams = Array.from({ length: slots }, (_, slot) => createStream(viewer.track(slot)));
    for (const command of difference([], this.seats)) {
      this.tell(command);
    }
  }

  private closed(code: number, token: string): void {
    this.letGo();
    switch (code) {
      case FeedCloseCode.Unauthenticated:
        this.become('unauthorised');
        if (this.options.token() === token) {
          this.options.onToken(token);
        } else {
          this.later(this.backoff.next());
        }
        break;
      case FeedCloseCode.NoSuchShard:
      case FeedCloseCode.BadMessage:
        this.become('gone');
        this.later(GONE_MS);
        break;
      default:
        this.become('lost');
        this.later(this.backoff.next());
    }
  }

  private later(ms: number): void {
    this.timer = this.options.timers.set(() => {
      this.timer = null;
      this.connect();
    }, ms);
  }

  private tell(command: ReturnType<typeof difference>[number]): void {
    const { viewer } = this;
    if (viewer === null) {
      return;
    }
    switch (command.type) {
      case 'assign':
        viewer.assign(command.slot, command.student, command.layer);
        break;
      case 'layer':
        viewer.layer(command.slot, command.layer);
        break;
      case 'pause':
      case 'resume':
      case 'release':
        viewer[command.type](command.slot);
        break;
    }
  }

  private letGo(): void {
    const { viewer } = this;
    this.viewer = null;
    this.streams = [];
    viewer?.stop();
  }

  private clearTimer(): void {
    if (this.timer !== null) {
      this.options.timers.clear(this.timer);
      this.timer = null;
    }
  }

  private become(state: PodState): void {
    if (this.state !== state) {
      this.state = state;
      this.options.onState(this);
    }
  }
}
