// The rest position: how this student looks into this camera when nothing is
// going on. Cameras stand beside and above screens, so "straight ahead" is not 0.

import type { FaceMeasures } from './measures';

export interface Rest {
  yaw: number;
  pitch: number;
  irisOffset: number;
}

/** For a camera above the middle of a screen; what holds until there is a better one. */
export const ASSUMED_REST: Readonly<Rest> = { yaw: 0, pitch: -8, irisOffset: 0 };

/** A quiet face: so long, so many frames, and within so many degrees and offsets. */
const QUIET_MS = 3_000;
const MIN_SAMPLES = 4;
const QUIET_YAW = 6;
const QUIET_PITCH = 8;
const QUIET_OFFSET = 0.12;
/** Nobody's rest position is to look away: from the assumed one, at most. */
const MAX_YAW = 20;
const MAX_PITCH = 20;
const MAX_OFFSET = 0.2;

interface Sample extends Rest {
  at: number;
}

export class Calibration {
  private samples: Sample[] = [];
  private found: Rest | null = null;

  get rest(): Readonly<Rest> {
    return this.found ?? ASSUMED_REST;
  }

  get done(): boolean {
    return this.found !== null;
  }

  /** Takes the only face there is; a blink is left out rather than ending the quiet. */
  observe(at: number, face: FaceMeasures, eyeOpennessMin: number): void {
    if (this.found !== null || face.pose === null || face.eyeOpenness < eyeOpennessMin) {
      return;
    }
    const { yaw, pitch } = face.pose;
    this.samples.push({ at, yaw, pitch, irisOffset: face.irisOffset });
    // One sample more than the window, so that the window is known to be full.
    while ((this.samples[1]?.at ?? at) <= at - QUIET_MS) {
      this.samples.shift();
    }
    const first = this.samples[0];
    if (first === undefined || at - first.at < QUIET_MS || this.samples.length < MIN_SAMPLES) {
      return;
    }
    const quiet =
      this.range('yaw') <= QUIET_YAW && this.range('pitch') <= QUIET_PITCH && this.range('irisOffset') <= QUIET_OFFSET;
    const rest = { yaw: this.median('yaw'), pitch: this.median('pitch'), irisOffset: this.median('irisOffset') };
    if (quiet && plausible(rest)) {
      this.found = rest;
      this.samples = [];
    }
  }

  /** The face was lost: quiet begins anew, what was found stays. */
  interrupt(): void {
    this.samples = [];
  }

  /** Looks for a new rest position; until then the assumed one holds. */
  reset(): void {
    this.samples = [];
    this.found = null;
  }

  private range(of: keyof Rest): number {
    const values = this.samples.map((sample) => sample[of]);

    return Math.max(...values) - Math.min(...values);
  }

  private median(of: keyof Rest): number {
    const values = this.samples.map((sample) => sample[of]).sort((a, b) => a - b);
    const middle = values.length / 2;

    return ((values[Math.floor(middle)] ?? 0) + (values[Math.ceil(middle) - 1] ?? 0)) / 2;
  }
}

function plausible({ yaw, pitch, irisOffset }: Rest): boolean {
  return (
    Math.abs(yaw - ASSUMED_REST.yaw) <= MAX_YAW &&
    Math.abs(pitch - ASSUMED_REST.pitch) <= MAX_PITCH &&
    Math.abs(irisOffset - ASSUMED_REST.irisOffset) <= MAX_OFFSET
  );
}
