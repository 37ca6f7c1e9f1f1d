// Two ways not to flap: a threshold with a wider way out than in, and a count that
// one odd frame does not change.

/** True from enter on, until the value has gone back past leave. */
export class Hysteresis {
  private readonly enter: number;
  private readonly leave: number;
  private on = false;

  /** enter above leave: true for large values. enter below leave: for small ones. */
  constructor(enter: number, leave: number) {
    this.enter = enter;
    this.leave = leave;
  }

  observe(value: number): boolean {
    const limit = this.on ? this.leave : this.enter;
    this.on = this.enter >= this.leave ? value >= limit : value <= limit;

    return this.on;
  }

  reset(): void {
    this.on = false;
  }
}

/**
 * The middle one of the last three. A face that comes back is missed for one
 * frame, and one that is lost is sometimes found once more: neither is news.
 */
export class MiddleOfThree {
  private last: number[] = [];

  /** null until there have been two: one frame alone proves nothing. */
  observe(value: number): number | null {
    this.last = [...this.last, value].slice(-3);
    if (this.last.length < 2) {
      return null;
    }
    if (this.last.length === 2) {
      return this.last[0] === this.last[1] ? value : null;
    }

    return [...this.last].sort((a, b) => a - b)[1] ?? null;
  }

  reset(): void {
    this.last = [];
  }
}
