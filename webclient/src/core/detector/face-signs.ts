// From what is measured of a frame to the signs it shows. Pure logic: the caller
// brings the clock. A sign that cannot be told is left out, never guessed: no
// model, no frames, a black picture and closed eyes prove nothing.

import type { Observation } from '../signs';
import { Calibration } from './calibration';
import { Hysteresis, MiddleOfThree } from './hysteresis';
import type { FaceMeasures, Measures } from './measures';
import { MouthMovement } from './mouth';
import { PictureQuality } from './quality';
import { Stillness } from './stillness';
import type { Thresholds } from './thresholds';

/** After such a gap nothing that was going on is carried over. */
const GAP_MS = 3_000;

export interface Angles {
  /** Degrees from the rest position; gaze is null when the eyes tell nothing. */
  yaw: number;
  pitch: number;
  gaze: number | null;
}

export class FaceSigns {
  readonly calibration = new Calibration();
  readonly quality: PictureQuality;
  /** How long the face has not moved, in milliseconds; see stillness.ts. */
  stillMs = 0;
  /** Faces in the picture without single odd frames; null when not known. */
  faces: number | null = null;
  angles: Angles | null = null;

  private readonly thresholds: Thresholds;
  private readonly count = new MiddleOfThree();
  private readonly yaw: Hysteresis;
  private readonly pitch: Hysteresis;
  private readonly gaze: Hysteresis;
  private readonly mouth: MouthMovement;
  private readonly stillness = new Stillness();
  private lastAt: number | null = null;
  private told: Observation = {};

  constructor(thresholds: Thresholds) {
    this.thresholds = thresholds;
    this.yaw = new Hysteresis(thresholds.yawEnter, thresholds.yawLeave);
    this.pitch = new Hysteresis(thresholds.pitchEnter, thresholds.pitchLeave);
    this.gaze = new Hysteresis(thresholds.gazeEnter, thresholds.gazeLeave);
    this.mouth = new MouthMovement({
      windowMs: thresholds.mouthWindowMs,
      minSamples: thresholds.mouthMinSamples,
      swing: thresholds.mouthSwing,
      enterTurns: thresholds.mouthEnterTurns,
      leaveTurns: thresholds.mouthLeaveTurns,
    });
    this.quality = new PictureQuality(thresholds);
  }

  observe(measures: Measures): Observation {
    const { at, faces, picture } = measures;
    if (this.lastAt !== null && at - this.lastAt > GAP_MS) {
      this.interrupt();
    }
    this.lastAt = at;
    const black = picture.luminance < this.thresholds.blackBelow;
    const lowQuality = this.quality.observe(at, picture);
    if (faces === null || black) {
      // A covered camera is a sign of its own; that nobody is seen follows from it.
      this.forgetFace();
      this.count.reset();
      this.faces = null;

      return black ? {} : { LowQuality: lowQuality };
    }
    this.faces = this.count.observe(faces.length);

    return {
      LowQuality: lowQuality,
      ...(this.faces === null ? {} : { FaceMissing: this.faces === 0, MultipleFaces: this.faces > 1 }),
      ...this.lookAt(at, faces),
    };
  }

  /** Nothing was seen for a while: what comes next does not continue what was. */
  interrupt(): void {
    this.count.reset();
    this.quality.reset();
    this.forgetFace();
    this.faces = null;
  }

  /** Gaze, head and mouth are told of one face only: of two, nobody knows whose. */
  private lookAt(at: number, faces: readonly FaceMeasures[]): Observation {
    const [face, other] = faces;
    if (face === undefined || other !== undefined) {
      // One odd frame in between does not end what is going on.
      if (this.faces !== 1) {
        this.forgetFace();
      }

      return this.told;
    }
    this.stillMs = this.stillness.observe(at, face);
    this.calibration.observe(at, face, this.thresholds.eyeOpennessMin);
    const speaking = this.mouth.observe(at, face.mouth);
    this.angles = this.anglesOf(face);

    this.told = { ...this.headAndGaze(this.angles), ...(speaking === undefined ? {} : { Speaking: speaking }) };

    return this.told;
  }

  private headAndGaze(angles: Angles | null): Observation {
    if (angles === null) {
      return {};
    }
    const scale = this.calibration.done ? 1 : 1 / this.thresholds.uncalibratedFactor;
    const yawed = this.yaw.observe(Math.abs(angles.yaw) * scale);
    const pitched = this.pitch.observe(Math.abs(angles.pitch) * scale);
    if (yawed || pitched) {
      // The eyes of a turned head are too foreshortened to say more than it does.
      this.gaze.reset();

      return { HeadTurned: true };
    }

    return {
      HeadTurned: false,
      ...(angles.gaze === null ? {} : { GazeDeviation: this.gaze.observe(Math.abs(angles.gaze) * scale) }),
    };
  }

  private anglesOf(face: FaceMeasures): Angles | null {
    if (face.pose === null) {
      return null;
    }
    const { rest } = this.calibration;
    const { eyeWidthMin, eyeOpennessMin, irisOffsetPerDegree } = this.thresholds;
    const yaw = face.pose.yaw - rest.yaw;
    const readable = face.eyeWidth >= eyeWidthMin && face.eyeOpenness >= eyeOpennessMin;

    return {
      yaw,
      pitch: face.pose.pitch - rest.pitch,
      // Eyes turn back while the head turns away and the screen is still read: only
      // both together say where somebody looks.
      gaze: readable ? (face.irisOffset - rest.irisOffset) / irisOffsetPerDegree + yaw : null,
    };
  }

  private forgetFace(): void {
    for (const part of [this.yaw, this.pitch, this.gaze, this.mouth, this.stillness]) {
      part.reset();
    }
    this.calibration.interrupt();
    this.stillMs = 0;
    this.angles = null;
    this.told = {};
  }
}
