// How often a frame is looked at: five times a second, less where that would take
// more than a set share of a core, but at least once a second.

export interface PaceOptions {
  fastestMs: number;
  slowestMs: number;
  /** The share of one core that looking may take. */
  share: number;
}

export const PACE: Readonly<PaceOptions> = { fastestMs: 200, slowestMs: 1_000, share: 0.35 };

/** Weight of the newest frame in the running mean. */
const NEWEST = 0.2;
/** The first frames compile and warm up: they say nothing of the ones after. */
const WARM_UP = 2;

export class Pace {
  private readonly options: PaceOptions;
  private frames = 0;
  private meanMs: number | null = null;

  constructor(options: PaceOptions = PACE) {
    this.options = options;
  }

  /** One frame has taken this long. */
  took(workMs: number): void {
    this.frames += 1;
    if (this.frames > WARM_UP) {
      this.meanMs = this.meanMs === null ? workMs : this.meanMs + NEWEST * (workMs - this.meanMs);
    }
  }

  /** From the beginning of one frame to the beginning of the next. */
  get intervalMs(): number {
    const { fastestMs, slowestMs, share } = this.options;

    return Math.min(slowestMs, Math.max(fastestMs, (this.meanMs ?? 0) / share));
  }
}
