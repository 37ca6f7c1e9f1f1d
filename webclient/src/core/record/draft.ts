// What the server takes, checked before it is asked: internal/wire's Action.

export const MAX_TEXT = 500;
export const MAX_MINUTES = 600;

export type Wrong = 'empty' | 'tooLong' | 'minutes' | 'id';

/** Characters as the server counts them: code points, not UTF-16 units. */
export function lengthOf(text: string): number {
  return Array.from(text).length;
}

/** Of a text that must be there. */
export function wrongText(text: string): Wrong | null {
  if (text.trim() === '') {
    return 'empty';
  }

  return lengthOf(text) > MAX_TEXT ? 'tooLong' : null;
}

export function wrongMinutes(text: string): Wrong | null {
  const minutes = Number(text);

  return /^\d+$/.test(text.trim()) && minutes >= 1 && minutes <= MAX_MINUTES ? null : 'minutes';
}

/** What was typed to confirm an end must be the student's id. */
export function wrongId(typed: string, student: string): Wrong | null {
  return typed.trim() === student ? null : 'id';
}
