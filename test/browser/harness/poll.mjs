// Waiting for a condition: asks until the answer is truthy, and says on failure
// what it saw last.

import { setTimeout as pause } from 'node:timers/promises';

const EVERY_MS = 100;

export async function until(what, ask, timeoutMs = 20_000) {
  const end = Date.now() + timeoutMs;
  let seen;
  for (;;) {
    try {
      seen = await ask();
      if (seen) {
        return seen;
      }
    } catch (error) {
      seen = error;
    }
    if (Date.now() > end) {
      throw new Error(`not within ${timeoutMs} ms: ${what}; last seen: ${show(seen)}`);
    }
    await pause(EVERY_MS);
  }
}

function show(value) {
  return value instanceof Error ? value.message : JSON.stringify(value);
}
