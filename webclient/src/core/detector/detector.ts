// The detector as the session sees it: what the newest frame shows, and a summary
// for the student's page.

import type { Observation } from '../signs';
import { FaceSigns } from './face-signs';
import type { EngineName } from './engines';
import type { Measures } from './measures';
import type { DetectorCode } from './protocol';
import type { Light } from './quality';
import { OFF, Supervisor, type FrameSource, type Health, type SupervisorOptions } from './supervisor';
import { DEFAULT_THRESHOLDS, type Thresholds } from './thresholds';

/** For the page: changes are told at most twice a second. */
export interface DetectorState {
  status: Health['status'];
  /** Why it does not run, or not as it should; messages.ts has the words. */
  code: DetectorCode | null;
  engine: EngineName | null;
  /** Frames looked at in a second, over the last five. */
  fps: number;
  /** null while it cannot be told. */
  faces: number | null;
  light: Light | null;
  blurred: boolean;
  /** The camera has sent the same picture for 20 s. */
  frozen: boolean;
  /** The face has not moved for 20 s: a photograph, or somebody who reads. */
  still: boolean;
  /** The rest position is known. */
  calibrated: boolean;
}

export const DETECTOR_OFF: DetectorState = {
  ...OFF,
  fps: 0,
  faces: null,
  light: null,
  blurred: false,
  frozen: false,
  still: false,
  calibrated: false,
};

export interface DetectorSetup {
  thresholds: Thresholds;
  /** Where the server offers a face_landmarker.task, below the page's address. */
  taskModel: string | null;
}

export type DetectorOptions = Omit<SupervisorOptions, 'onHealth' | 'onMeasures'> & {
  source: (track: MediaStreamTrack) => FrameSource;
  onState: (state: DetectorState) => void;
  /** A frame has been looked at. */
  onLook: () => void;
};

/** What was seen longer ago is not known any more. Frames come every second at least. */
const FRESH_MS = 2_500;
const STATE_EVERY_MS = 500;
const FPS_WINDOW_MS = 5_000;
const STILL_AFTER_MS = 20_000;

export class Detector {
  private readonly options: DetectorOptions;
  private readonly supervisor: Supervisor;
  private signs = new FaceSigns(DEFAULT_THRESHOLDS);
  private health: Health = OFF;
  private state: DetectorState = DETECTOR_OFF;
  private toldAt = -Infinity;
  private seenAt: number[] = [];
  private observed: Observation = {};
  private light: number | null = null;

  constructor(options: DetectorOptions) {
    this.options = options;
    this.supervisor = new Supervisor({
      ...options,
      onHealth: (health) => {
        this.health = health;
        this.tell(true);
      },
      onMeasures: (measures) => {
        this.measured(measures);
      },
    });
  }

  start(track: MediaStreamTrack, { thresholds, taskModel }: DetectorSetup): void {
    this.forget();
    this.signs = new FaceSigns(thresholds);
    this.supervisor.start(this.options.source(track), taskModel);
  }

  stop(): void {
    this.forget();
    this.supervisor.stop();
  }

  /** What the newest frame shows; nothing when it is old. */
  observation(now: number): Observation {
    return this.fresh(now) ? this.observed : {};
  }

  /** Mean luma of the newest frame, or null when it is old. */
  luminance(now: number): number | null {
    return this.fresh(now) ? this.light : null;
  }

  /** The newest frame as JPEG, for evidence. */
  picture(): Promise<Blob | null> {
    return this.supervisor.picture();
  }

  /** Takes how the student looks into the camera from now on as the rest position. */
  recalibrate(): void {
    this.signs.calibration.reset();
  }

  private measured(measures: Measures): void {
    this.seenAt = [...this.seenAt.filter((at) => measures.at - at < FPS_WINDOW_MS), measures.at];
    this.light = measures.picture.luminance;
    this.observed = this.signs.observe(measures);
    this.tell(false);
    this.options.onLook();
  }

  private fresh(now: number): boolean {
    const last = this.seenAt.at(-1);

    return last !== undefined && now - last < FRESH_MS;
  }

  private forget(): void {
    this.seenAt = [];
    this.observed = {};
    this.light = null;
  }

  private tell(atOnce: boolean): void {
    const now = this.options.timers.now();
    if (!atOnce && now - this.toldAt < STATE_EVERY_MS) {
      return;
    }
    const seen = this.fresh(now);
    const { faces, quality, stillMs, calibration } = this.signs;
    const next: DetectorState = {
      ...this.health,
      fps: this.fps(),
      faces: seen ? faces : null,
      light: seen ? quality.light : null,
      blurred: seen && quality.blurred,
      frozen: seen && quality.frozen,
      still: seen && stillMs >= STILL_AFTER_MS,
      calibrated: calibration.done,
    };
    if ((Object.keys(next) as (keyof DetectorState)[]).some((field) => next[field] !== this.state[field])) {
      this.state = next;
      this.toldAt = now;
      this.options.onState(next);
    }
  }

  private fps(): number {
    const [first] = this.seenAt;
    const last = this.seenAt.at(-1);
    if (first === undefined || last === undefined || last === first) {
      return 0;
    }

    return Math.round(((this.seenAt.length - 1) * 1_000) / (last - first));
  }
}
