// Numbers and times in the page's language. The catalogue (messages.ts) is in
// this language too: whoever translates it changes both.

export const LANG = 'en';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
const SECOND_MS = 1_000;

type Unit = 'day' | 'hour' | 'minute' | 'second';

function counted(count: number, unit: Unit): string {
  return new Intl.NumberFormat(LANG, { style: 'unit', unit, unitDisplay: 'long' }).format(count);
}

/** "30 days", "2 minutes": in the largest unit that gives a whole number. */
export function span(ms: number): string {
  const units: [Unit, number][] = [['day', DAY_MS], ['hour', HOUR_MS], ['minute', MINUTE_MS]];
  const [unit, size] = units.find(([, of]) => ms >= of && ms % of === 0) ?? ['second', SECOND_MS];

  return counted(Math.round(ms / size), unit);
}

export function minutes(count: number): string {
  return counted(count, 'minute');
}

/** The time of day, in the hours that the student's device uses. */
export function timeOfDay(at: number): string {
  return new Intl.DateTimeFormat([], { hour: 'numeric', minute: '2-digit' }).format(at);
}

/** The time of day to the second, for what is watched live. */
export function timeToSecond(at: number): string {
  return new Intl.DateTimeFormat([], { hour: 'numeric', minute: '2-digit', second: '2-digit' }).format(at);
}

/** Day and time, for what may be on another day. */
export function dayAndTime(at: number): string {
  const day = new Intl.DateTimeFormat(LANG, { weekday: 'long', day: 'numeric', month: 'long' }).format(at);

  return `${day}, ${timeOfDay(at)}`;
}

/** "a, b and c". */
export function list(items: readonly string[]): string {
  return new Intl.ListFormat(LANG).format(items);
}

/** "1:02:03" or "2:03"; never below zero, and 0:00 only when nothing is left. */
export function duration(ms: number): string {
  const total = Math.max(0, Math.ceil(ms / SECOND_MS));
  const seconds = String(total % 60).padStart(2, '0');
  const whole = Math.floor(total / 60) % 60;
  const hours = Math.floor(total / 3_600);

  return hours > 0
    ? `${String(hours)}:${String(whole).padStart(2, '0')}:${seconds}`
    : `${String(whole)}:${seconds}`;
}
