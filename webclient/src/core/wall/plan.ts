// Who gets which slot of a pod. Pure: from who sits where and who is wanted to
// who sits where next. Nobody who is in sight loses a slot to somebody else in
// sight, but to the one student that a person looks at.

import type { Layer } from '../wire';

/**
 * focus: a person looks at this student. live: in sight. warm: near it, so that
 * scrolling finds a picture. parked: out of sight for a while; paused, and the
 * first to make room.
 */
export type Mode = 'focus' | 'live' | 'warm' | 'parked';

export interface Want {
  student: string;
  mode: Exclude<Mode, 'parked'>;
}

export interface Seat {
  readonly student: string;
  readonly mode: Mode;
  /** When the student last was wanted. */
  readonly seenAt: number;
}

export type Seats = readonly (Seat | null)[];

export interface Plan {
  seats: Seats;
  /** Who is wanted and has no slot. */
  short: string[];
}

const RANK: Record<Mode, number> = { focus: 0, live: 1, warm: 2, parked: 3 };

/**
 * wants are of this pod, those of one mode in the order in which they matter. gone
 * are students who are not on this pod any more: their slots are free at once.
 */
export function plan(seats: Seats, wants: readonly Want[], gone: ReadonlySet<string>, graceMs: number, now: number): Plan {
  const ranked = [...wants].sort((a, b) => RANK[a.mode] - RANK[b.mode]);
  const place = new Map(ranked.map(({ student }, index) => [student, index]));
  const next = seats.map((seat) => stays(seat, ranked[place.get(seat?.student ?? '') ?? -1], gone, graceMs, now));
  const short: string[] = [];
  const seated = new Set(next.flatMap((seat) => seat?.student ?? []));
  for (const { student, mode } of ranked) {
    if (seated.has(student)) {
      continue;
    }
    const slot = room(next, mode, place);
    if (slot === -1) {
      short.push(student);
    } else {
      // Whoever made room may be wanted as well, and has no slot now.
      const loser = next[slot];
      if (loser != null && loser.mode !== 'parked') {
        short.push(loser.student);
      }
      next[slot] = { student, mode, seenAt: now };
    }
  }

  return { seats: next, short };
}

function stays(seat: Seat | null, want: Want | undefined, gone: ReadonlySet<string>, graceMs: number, now: number): Seat | null {
  if (seat === null || gone.has(seat.student)) {
    return null;
  }
  if (want !== undefined) {
    return { student: seat.student, mode: want.mode, seenAt: now };
  }

  return now - seat.seenAt >= graceMs ? null : { ...seat, mode: 'parked' };
}

/** A slot for that mode: a free one, then of who was seen longest ago, then of who matters least. -1: none. */
function room(seats: readonly (Seat | null)[], mode: Want['mode'], place: ReadonlyMap<string, number>): number {
  const free = seats.indexOf(null);
  if (free !== -1) {
    return free;
  }
  let best = -1;
  let worst: [number, number] = [RANK[mode], 0];
  seats.forEach((seat, slot) => {
    if (seat === null || RANK[seat.mode] <= RANK[mode]) {
      return;
    }
    // Of parked ones the age decides, of wanted ones their place in the list.
    const cost: [number, number] = [RANK[seat.mode], seat.mode === 'parked' ? -seat.seenAt : (place.get(seat.student) ?? 0)];
    if (best === -1 || cost[0] > worst[0] || (cost[0] === worst[0] && cost[1] > worst[1])) {
      best = slot;
      worst = cost;
    }
  });

  return best;
}

/** What a pod has to be told of one slot. */
export type SlotCommand =
  | { type: 'assign'; slot: number; student: string; layer: Layer }
  | { type: 'layer'; slot: number; layer: Layer }
  | { type: 'pause' | 'resume' | 'release'; slot: number };

export function layerOf(mode: Mode): Layer {
  return mode === 'focus' ? 'high' : 'low';
}

/** From one plan to the next. A pod that knows nothing yet has only nulls before. */
export function difference(before: Seats, after: Seats): SlotCommand[] {
  return after.flatMap((seat, slot) => change(before[slot] ?? null, seat, slot));
}

function change(old: Seat | null, seat: Seat | null, slot: number): SlotCommand[] {
  if (seat === null) {
    return old === null ? [] : [{ type: 'release', slot }];
  }
  const layer = layerOf(seat.mode);
  if (old?.student !== seat.student) {
    const assign: SlotCommand = { type: 'assign', slot, student: seat.student, layer };

    return seat.mode === 'parked' ? [assign, { type: 'pause', slot }] : [assign];
  }
  const commands: SlotCommand[] = [];
  if (seat.mode !== 'parked' && layerOf(old.mode) !== layer) {
    commands.push({ type: 'layer', slot, layer });
  }
  if (old.mode === 'parked' && seat.mode !== 'parked') {
    commands.push({ type: 'resume', slot });
  } else if (old.mode !== 'parked' && seat.mode === 'parked') {
    commands.push({ type: 'pause', slot });
  }

  return commands;
}

/** When the next parked student's time is over; null if nobody is parked. */
export function nextExpiry(seats: Seats, graceMs: number): number | null {
  const times = seats.flatMap((seat) => (seat?.mode === 'parked' ? [seat.seenAt + graceMs] : []));

  return times.length === 0 ? null : Math.min(...times);
}
