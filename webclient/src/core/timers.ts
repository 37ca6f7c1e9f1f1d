// The clock and timers that core works with, so that tests can bring their own.

export interface Timers {
  now(): number;
  set(run: () => void, ms: number): number;
  clear(id: number): void;
}

export const browserTimers: Timers = {
  now: () => Date.now(),
  set: (run, ms) => globalThis.setTimeout(run, ms) as unknown as number,
  clear: (id) => {
    globalThis.clearTimeout(id);
  },
};
