// Times as a record needs them: to the second, with the day where it matters, and
// with the zone's name; and who has done something.

import { LANG, timeToSecond } from '../format';

export { timeToSecond as clock } from '../format';

const SECOND_MS = 1_000;

/** "Mar 2, 2026, 14:02:07". */
export function dateAndClock(at: number): string {
  return `${new Intl.DateTimeFormat(LANG, { dateStyle: 'medium' }).format(at)}, ${timeToSecond(at)}`;
}

/** "Europe/Berlin (GMT+1)": the reader's zone, with its offset at the time. */
export function zoneName(at: number): string {
  const { timeZone } = new Intl.DateTimeFormat().resolvedOptions();
  const offset = new Intl.DateTimeFormat(LANG, { timeZoneName: 'shortOffset' })
    .formatToParts(at)
    .find(({ type }) => type === 'timeZoneName')?.value;

  return offset === undefined ? timeZone : `${timeZone} (${offset})`;
}

/** "2.5 s", "3 min 4 s", "1 h 2 min": short, for how long something lasted. */
export function lasted(ms: number): string {
  if (ms < 10 * SECOND_MS) {
    return `${new Intl.NumberFormat(LANG, { maximumFractionDigits: 1 }).format(ms / SECOND_MS)} s`;
  }
  const seconds = Math.round(ms / SECOND_MS);
  const parts: [number, string][] = [
    [Math.floor(seconds / 3_600), 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
    [seconds % 60, 's'],
  ];
  const first = parts.findIndex(([count]) => count > 0);

  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${String(count)} ${unit}`)
    .join(' ');
}

/**
 * An invigilator's name without what is the same for all: of
 * "system:serviceaccount:exams:algebra-invigilator/pod" it is "algebra-invigilator/pod".
 */
export function shortName(by: string): string {
  return by.replace(/^system:serviceaccount:[^:]+:/, '');
}
