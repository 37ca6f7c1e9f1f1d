// The wall's pictures: whom the grid shows, which pod and slot each student's
// picture comes by, and in which phase it is. Decisions are plan.ts's and
// phase.ts's; this has the clock, the pods and the listeners.

import type { Slot } from '../slot-viewer';
import type { Timers } from '../timers';
import type { TileLimits } from '../wire-invigilator';
import { EMPTY, step, type PhaseName, type StopReason, type Tile, type TileEvent } from './phase';
import { nextExpiry, plan, type Want } from './plan';
import { Pod, type PodOptions } from './pod';
import type { WallStore } from './store';
import type { TokenKeeper } from './token';

/** What a tile shows. The same object until it is another picture or other words. */
export interface Picture {
  phase: PhaseName;
  /** Why there is none, or what the pod waits for. */
  reason: StopReason | null;
  frozen: boolean;
  /** What a video element takes; it may still have frames of another student until the phase is playing. */
  stream: MediaStream | null;
}

export interface SlotsOptions extends Pick<PodOptions, 'createViewer' | 'createStream'> {
  limits: TileLimits;
  store: WallStore;
  keeper: TokenKeeper;
  timers: Timers;
  random: () => number;
}

/** A video element that shows a student's stream, until it is detached. */
export interface Shown {
  /** Whether the element itself is in sight: a browser need not present frames of one that is not. */
  setInSight(inSight: boolean): void;
  detach(): void;
}

interface Watched {
  tile: Tile;
  picture: Picture;
  /** Where the student has a slot. */
  pod: Pod | null;
  elements: Set<Shown>;
  /** Those of them that are in sight. */
  inSight: Set<Shown>;
  timer: number | null;
  listeners: Set<() => void>;
  leave: () => void;
}

const NONE: Picture = { phase: 'idle', reason: null, frozen: false, stream: null };

export class Slots {
  private readonly options: SlotsOptions;
  private readonly watched = new Map<string, Watched>();
  private readonly pods = new Map<string, Pod>();
  private readonly leave: (() => void)[] = [];
  private inSight: readonly string[] = [];
  private near: readonly string[] = [];
  private focused: string | null = null;
  private visible = true;
  private expiry: number | null = null;

  constructor(options: SlotsOptions) {
    this.options = options;
    const { keeper, store } = options;
    this.leave.push(
      keeper.subscribe(() => {
        if (keeper.token !== null) {
          this.hurry();
        }
      }),
      store.subscribeStatus(() => {
        this.podsChanged();
      }),
    );
  }

  stop(): void {
    for (const leave of this.leave) {
      leave();
    }
    this.show([], []);
    this.focus(null);
    for (const [id, watched] of [...this.watched]) {
      this.forget(id, watched);
    }
    for (const pod of this.pods.values()) {
      pod.stop();
    }
    this.pods.clear();
    this.arm(null);
  }

  /** Whom the grid shows, and who is next to them, both in the order in which they matter. */
  show(inSight: readonly string[], near: readonly string[]): void {
    this.inSight = inSight;
    this.near = near;
    this.arrange();
  }

  /** Whom a person looks at: in high quality, and never without a slot. */
  focus(student: string | null): void {
    this.focused = student;
    this.arrange();
  }

  /** A page that is not shown presents no frames, and nothing follows from that. */
  setVisible(visible: boolean): void {
    this.visible = visible;
    for (const [id, watched] of [...this.watched]) {
      this.visibleChanged(id, watched);
    }
  }

  /** Network or token may be back. */
  hurry(): void {
    for (const pod of this.pods.values()) {
      pod.hurry();
    }
  }

  readonly picture = (id: string): Picture => this.watched.get(id)?.picture ?? NONE;

  readonly subscribe = (id: string, listener: () => void): (() => void) => {
    const watched = this.watch(id);
    watched.listeners.add(listener);

    return () => {
      watched.listeners.delete(listener);
      this.tidy(id);
    };
  };

  /** A video element shows the student's stream from now on. It is out of sight until it says otherwise. */
  attach(id: string): Shown {
    const watched = this.watch(id);
    const shown: Shown = {
      setInSight: (inSight) => {
        watched.inSight[inSight ? 'add' : 'delete'](shown);
        this.visibleChanged(id, watched);
      },
      detach: () => {
        watched.elements.delete(shown);
        watched.inSight.delete(shown);
        this.dispatch(id, { type: 'attached', attached: watched.elements.size > 0 });
        this.visibleChanged(id, watched);
        this.tidy(id);
      },
    };
    watched.elements.add(shown);
    this.dispatch(id, { type: 'attached', attached: true });

    return shown;
  }

  private visibleChanged(id: string, { inSight }: Watched): void {
    this.dispatch(id, { type: 'visible', visible: this.visible && inSight.size > 0 });
  }

  /** An element has presented a frame of stream. Returns whether it is the student's. */
  presented(id: string, stream: MediaStream, rtpTimestamp?: number): boolean {
    if (this.picture(id).stream !== stream) {
      return false;
    }
    const before = this.watched.get(id)?.tile;
    this.dispatch(id, { type: 'frame', ...(rtpTimestamp === undefined ? {} : { rtpTimestamp }) });

    // A frame that does not count changes nothing.
    return this.watched.get(id)?.tile !== before;
  }

  private watch(id: string): Watched {
    const known = this.watched.get(id);
    if (known !== undefined) {
      return known;
    }
    const { store } = this.options;
    const watched: Watched = {
      tile: { ...EMPTY, facts: { ...EMPTY.facts, visible: false, student: store.session(id) ?? null } },
      picture: NONE,
      pod: null,
      elements: new Set(),
      inSight: new Set(),
      timer: null,
      listeners: new Set(),
      leave: store.subscribe(id, () => {
        this.sessionChanged(id);
      }),
    };
    this.watched.set(id, watched);

    return watched;
  }

  /** Whom nobody shows, wants or has a slot for is forgotten. */
  private tidy(id: string): void {
    const watched = this.watched.get(id);
    if (watched === undefined || watched.listeners.size > 0 || watched.elements.size > 0) {
      return;
    }
    const { wanted, place } = watched.tile.facts;
    if (!wanted && place !== 'assigned') {
      this.forget(id, watched);
    }
  }

  private forget(id: string, watched: Watched): void {
    watched.leave();
    this.clearTimer(watched);
    this.watched.delete(id);
  }

  private sessionChanged(id: string): void {
    const before = this.watched.get(id)?.tile.facts.student ?? null;
    const session = this.options.store.session(id) ?? null;
    this.dispatch(id, { type: 'student', student: session });
    if (before?.shard !== session?.shard || before?.streaming !== session?.streaming) {
      this.arrange();
    }
  }

  /** A pod that was gone may be there again. */
  private podsChanged(): void {
    for (const { name, ready } of this.options.store.status().shards) {
      const pod = this.pods.get(name);
      if (ready && pod?.state === 'gone') {
        pod.hurry();
      }
    }
  }

  private wants(): Map<string, Want[]> {
    const wants = new Map<string, Want[]>();
    const seen = new Set<string>();
    const add = (student: string, mode: Want['mode']) => {
      if (seen.has(student)) {
        return;
      }
      seen.add(student);
      const session = this.options.store.session(student);
      if (session?.streaming === true && session.shard !== undefined && session.shard !== '') {
        const list = wants.get(session.shard) ?? [];
        wants.set(session.shard, list);
        list.push({ student, mode });
      }
    };
    if (this.focused !== null) {
      add(this.focused, 'focus');
    }
    this.inSight.forEach((student) => {
      add(student, 'live');
    });
    this.near.forEach((student) => {
      add(student, 'warm');
    });

    return wants;
  }

  /** Plans every pod anew, and tells pods and tiles what is different. */
  private arrange(): void {
    const { limits, store, timers } = this.options;
    const wanted = new Set([...(this.focused === null ? [] : [this.focused]), ...this.inSight, ...this.near]);
    const wants = this.wants();
    for (const shard of wants.keys()) {
      if (!this.pods.has(shard)) {
        const pod = this.newPod(shard);
        this.pods.set(shard, pod);
        pod.start();
      }
    }
    const short = new Set<string>();
    const seated = new Map<string, Pod>();
    for (const pod of this.pods.values()) {
      const gone = new Set(
        pod.seats.flatMap((seat) => (seat !== null && (store.session(seat.student)?.shard ?? '') !== pod.shard ? [seat.student] : [])),
      );
      const next = plan(pod.seats, wants.get(pod.shard) ?? [], gone, limits.offscreenGraceMs, timers.now());
      next.short.forEach((student) => short.add(student));
      pod.seat(next.seats);
      next.seats.forEach((seat) => {
        if (seat !== null) {
          seated.set(seat.student, pod);
        }
      });
    }
    for (const id of wanted) {
      this.watch(id);
    }
    for (const [id, watched] of [...this.watched]) {
      const pod = seated.get(id) ?? null;
      if (pod !== watched.pod) {
        // What the last pod has said is not of this one.
        watched.pod = pod;
        this.dispatch(id, { type: 'place', place: 'none' });
      }
      this.dispatch(id, { type: 'wanted', wanted: wanted.has(id) });
      if (pod === null) {
        this.dispatch(id, { type: 'place', place: short.has(id) ? 'short' : 'none' });
      } else {
        this.dispatch(id, { type: 'pod', pod: pod.state });
        this.dispatch(id, { type: 'place', place: 'assigned' });
      }
      this.tidy(id);
    }
    this.closeEmpty();
    const times = [...this.pods.values()].flatMap((pod) => nextExpiry(pod.seats, limits.offscreenGraceMs) ?? []);
    this.arm(times.length === 0 ? null : Math.min(...times));
  }

  private closeEmpty(): void {
    for (const [shard, pod] of [...this.pods]) {
      if (pod.seats.every((seat) => seat === null)) {
        pod.stop();
        this.pods.delete(shard);
      }
    }
  }

  private newPod(shard: string): Pod {
    const { createStream, createViewer, keeper, limits, random, timers } = this.options;

    return new Pod({
      shard,
      slots: limits.slotsPerShard,
      createStream,
      createViewer,
      token: () => keeper.token,
      onToken: (token) => {
        keeper.rejected(token, 'TokenExpired');
      },
      timers,
      random,
      onState: (pod) => {
        for (const seat of pod.seats) {
          if (seat !== null) {
            this.dispatch(seat.student, { type: 'pod', pod: pod.state });
          }
        }
      },
      onSlot: (pod, slot) => {
        this.slotChanged(pod, slot);
      },
    });
  }

  private slotChanged(pod: Pod, slot: Slot): void {
    if (pod.seats[slot.slot]?.student === slot.student) {
      this.dispatch(slot.student, { type: 'slot', slot });
    }
  }

  private dispatch(id: string, event: TileEvent): void {
    const watched = this.watched.get(id);
    if (watched === undefined) {
      return;
    }
    const { limits, timers } = this.options;
    const before = watched.tile;
    const { tile, ask } = step(before, event, timers.now(), limits);
    watched.tile = tile;
    if (ask) {
      watched.pod?.ask(watched.pod.slotOf(id));
    }
    if (tile.deadline !== before.deadline) {
      this.clearTimer(watched);
      if (tile.deadline !== null) {
        watched.timer = timers.set(() => {
          watched.timer = null;
          this.dispatch(id, { type: 'tick' });
        }, tile.deadline - timers.now());
      }
    }
    this.paint(id, watched);
  }

  private paint(id: string, watched: Watched): void {
    const { phase, reason, frozen } = watched.tile;
    const { pod } = watched;
    const stream = pod?.stream(pod.slotOf(id)) ?? null;
    const { picture } = watched;
    if (picture.phase === phase && picture.reason === reason && picture.frozen === frozen && picture.stream === stream) {
      return;
    }
    watched.picture = { phase, reason, frozen, stream };
    for (const listener of [...watched.listeners]) {
      listener();
    }
  }

  private clearTimer(watched: Watched): void {
    if (watched.timer !== null) {
      this.options.timers.clear(watched.timer);
      watched.timer = null;
    }
  }

  private arm(at: number | null): void {
    const { timers } = this.options;
    if (this.expiry !== null) {
      timers.clear(this.expiry);
      this.expiry = null;
    }
    if (at !== null) {
      this.expiry = timers.set(() => {
        this.expiry = null;
        this.arrange();
      }, Math.max(0, at - timers.now()));
    }
  }
}
