// Delays between attempts to reconnect. Half of each delay is random, so that a
// hall full of pages that lost the same server does not come back in one wave.

export interface BackoffOptions {
  firstMs: number;
  maxMs: number;
  random: () => number;
}

export class Backoff {
  private readonly options: BackoffOptions;
  private attempt = 0;

  constructor(options: BackoffOptions) {
    this.options = options;
  }

  /** The next delay; never shorter than what the server asked for. */
  next(atLeastMs = 0): number {
    const { firstMs, maxMs, random } = this.options;
    const full = Math.min(maxMs, firstMs * 2 ** this.attempt);
    this.attempt += 1;

    return Math.max(atLeastMs, full * (0.5 + 0.5 * random()));
  }

  reset(): void {
    this.attempt = 0;
  }
}
