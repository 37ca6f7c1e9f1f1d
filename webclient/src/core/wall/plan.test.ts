import { expect, it } from 'vitest';

import { difference, nextExpiry, plan, type Mode, type Seat, type Seats, type Want } from './plan';
import { random } from './testing';

const GRACE = 45_000;
const seat = (student: string, mode: Mode, seenAt = 0): Seat => ({ student, mode, seenAt });
const want = (student: string, mode: Want['mode'] = 'live'): Want => ({ student, mode });
const names = (seats: Seats) => seats.map((one) => (one === null ? '-' : `${one.student}:${one.mode}`)).join(' ');
const at = (seats: Seats, wants: Want[], now = 1_000, gone: string[] = []) => plan(seats, wants, new Set(gone), GRACE, now);

it('gives free slots in order of what matters', () => {
  const { seats, short } = at([null, null, null], [want('w', 'warm'), want('a'), want('b'), want('f', 'focus')]);
  expect(names(seats)).toBe('f:focus a:live b:live');
  expect(short).toEqual(['w']);
});

it('who has a slot keeps it, wherever they are in the list', () => {
  const before = [seat('a', 'live'), seat('b', 'live'), seat('c', 'warm')];
  expect(names(at(before, [want('c'), want('b'), want('a', 'warm')]).seats)).toBe('a:warm b:live c:live');
});

it('who is out of sight is parked for a while, and gives way before that, the longest unseen first', () => {
  const before = [seat('a', 'live', 500), seat('b', 'live', 100), seat('c', 'live', 900)];
  expect(names(at(before, []).seats)).toBe('a:parked b:parked c:parked');
  expect(names(at(before, [want('d')]).seats)).toBe('a:parked d:live c:parked');
  expect(names(at(before, [], 100 + GRACE).seats)).toBe('a:parked - c:parked');
  expect(nextExpiry(at(before, []).seats, GRACE)).toBe(100 + GRACE);
  expect(nextExpiry([null, seat('a', 'live')], GRACE)).toBeNull();
});

it('those in sight take slots of those near it, never of each other; a person’s choice takes any', () => {
  const before = [seat('a', 'live'), seat('b', 'live'), seat('w', 'warm')];
  const wants = [want('a'), want('b'), want('c'), want('d'), want('w', 'warm')];
  const first = at(before, wants);
  expect(names(first.seats)).toBe('a:live b:live c:live');
  expect(first.short.sort()).toEqual(['d', 'w']);
  const second = at(first.seats, [...wants, want('d', 'focus')]);
  expect(names(second.seats)).toBe('a:live b:live d:focus');
  expect(second.short).toContain('c');
});

it('who has left the pod frees the slot at once', () => {
  expect(names(at([seat('a', 'live'), seat('b', 'live')], [want('b')], 1, ['a']).seats)).toBe('- b:live');
});

it('tells the pod what is different, and nothing else', () => {
  const before: Seats = [seat('a', 'live'), seat('b', 'live'), seat('c', 'parked'), seat('d', 'live'), null, seat('f', 'warm')];
  const after: Seats = [seat('a', 'focus'), null, seat('c', 'live'), seat('e', 'live'), null, seat('f', 'live')];
  expect(difference(before, after)).toEqual([
    { type: 'layer', slot: 0, layer: 'high' },
    { type: 'release', slot: 1 },
    { type: 'resume', slot: 2 },
    { type: 'assign', slot: 3, student: 'e', layer: 'low' },
  ]);
  expect(difference(after, [seat('a', 'parked'), null, seat('c', 'live'), seat('e', 'live'), null, seat('f', 'live')])).toEqual([
    { type: 'pause', slot: 0 },
  ]);
  // A viewer that is new knows nothing.
  expect(difference([], [seat('a', 'parked'), null, seat('c', 'focus')])).toEqual([
    { type: 'assign', slot: 0, student: 'a', layer: 'low' },
    { type: 'pause', slot: 0 },
    { type: 'assign', slot: 2, student: 'c', layer: 'high' },
  ]);
});

it('a parked student who comes back as the one looked at gets the high layer again', () => {
  const focused = [seat('a', 'focus')];
  const parked = [seat('a', 'parked')];
  expect(difference(focused, parked)).toEqual([{ type: 'pause', slot: 0 }]);
  expect(difference(parked, focused)).toEqual([{ type: 'layer', slot: 0, layer: 'high' }, { type: 'resume', slot: 0 }]);
});

it('whatever is wanted: one slot for each, nobody who matters more goes without for one who matters less', () => {
  const rank: Record<Mode, number> = { focus: 0, live: 1, warm: 2, parked: 3 };
  const draw = random(7);
  let seats: Seats = Array.from({ length: 5 }, () => null);
  for (let round = 0; round < 2_000; round += 1) {
    const wants: Want[] = [];
    for (let i = 0; i < 12; i += 1) {
      if (draw() < 0.5) {
        wants.push(want(`s${String(i)}`, draw() < 0.5 ? 'live' : 'warm'));
      }
    }
    if (wants[0] !== undefined && draw() < 0.5) {
      wants[0] = { ...wants[0], mode: 'focus' };
    }
    const now = round * 1_000;
    const before = seats;
    const next = plan(seats, wants, new Set(), GRACE, now);
    seats = next.seats;
    const seated = seats.flatMap((one) => one ?? []);
    expect(new Set(seated.map(({ student }) => student)).size).toBe(seated.length);
    expect([...next.short, ...seated.filter(({ mode }) => mode !== 'parked').map(({ student }) => student)].sort()).toEqual(
      wants.map(({ student }) => student).sort(),
    );
    const least = Math.max(...seated.map(({ mode }) => rank[mode]));
    for (const student of next.short) {
      const mode = wants.find((one) => one.student === student)?.mode ?? 'warm';
      expect(seats).not.toContain(null);
      expect(rank[mode]).toBeGreaterThanOrEqual(least);
    }
    // Whom a person looks at is the only one for whom somebody in sight may go.
    const lost = before.filter((one) => one?.mode === 'live' && next.short.includes(one.student) && wants.some((w) => w.student === one.student && w.mode === 'live'));
    expect(lost.length).toBeLessThanOrEqual(wants.some(({ mode }) => mode === 'focus') ? 1 : 0);
  }
});
