// Every number of the face signs in one place, as data. The server's policy says
// what counts, how long it must last and what it weighs; these say from when on a
// frame shows it. docs/detector.md has what was measured with them.

export interface Thresholds {
  /** Mean luma from which a picture is black: a covered camera, not a missing face. */
  blackBelow: number;
  /** Measured degrees of head yaw from the rest position: 0.88 of the true ones, so 21 is 24. */
  yawEnter: number;
  yawLeave: number;
  /** Degrees of head pitch, up or down, from the rest position. Reading a desk is about 25. */
  pitchEnter: number;
  pitchLeave: number;
  /** Degrees of looking to a side: eyes and head together, from the rest position. */
  gazeEnter: number;
  gazeLeave: number;
  /** Iris offset per degree that the eyes turn; 0.0104 was measured with known truth. */
  irisOffsetPerDegree: number;
  /** Eyes narrower than this in pixels, or more closed than this, say nothing of gaze. */
  eyeWidthMin: number;
  eyeOpennessMin: number;
  /** Until the rest position is known, angles count from straight ahead and must be so much larger. */
  uncalibratedFactor: number;
  /** Speech: how often the lips' gap turns, by at least this much, within the window. */
  mouthSwing: number;
  mouthWindowMs: number;
  mouthEnterTurns: number;
  mouthLeaveTurns: number;
  mouthMinSamples: number;
  /** Mean luma, 0 to 255: too dark below, too bright above. */
  darkEnter: number;
  darkLeave: number;
  brightEnter: number;
  brightLeave: number;
  /** Standard deviation of the luma. */
  flatEnter: number;
  flatLeave: number;
  /** Detail: variance of the 160x90 picture's Laplacian, in variances of its luma. */
  blurEnter: number;
  blurLeave: number;
  /** Mean difference of two pictures below which they are the same: a camera's noise alone is more. */
  sameBelow: number;
  /** How long a picture must be the same before it is a frozen one. */
  frozenAfterMs: number;
}

export const DEFAULT_THRESHOLDS: Readonly<Thresholds> = {
  blackBelow: 20,
  yawEnter: 21,
  yawLeave: 16,
  pitchEnter: 35,
  pitchLeave: 28,
  gazeEnter: 22,
  gazeLeave: 16,
  irisOffsetPerDegree: 0.0104,
  eyeWidthMin: 15,
  eyeOpennessMin: 0.12,
  uncalibratedFactor: 1.4,
  mouthSwing: 0.06,
  mouthWindowMs: 2_000,
  mouthEnterTurns: 3,
  mouthLeaveTurns: 2,
  mouthMinSamples: 6,
  darkEnter: 40,
  darkLeave: 48,
  brightEnter: 225,
  brightLeave: 215,
  flatEnter: 10,
  flatLeave: 13,
  blurEnter: 0.02,
  blurLeave: 0.03,
  sameBelow: 0.002,
  frozenAfterMs: 20_000,
};

/** Pairs of which the first is the stricter: a way out must be wider than the way in. */
const ABOVE: readonly [keyof Thresholds, keyof Thresholds][] = [
  ['yawEnter', 'yawLeave'],
  ['pitchEnter', 'pitchLeave'],
  ['gazeEnter', 'gazeLeave'],
  ['mouthEnterTurns', 'mouthLeaveTurns'],
  ['brightEnter', 'brightLeave'],
  ['darkLeave', 'darkEnter'],
  ['flatLeave', 'flatEnter'],
  ['blurLeave', 'blurEnter'],
];

/**
 * The defaults with what a server says instead. What is no number, not positive or
 * unknown is left out, and a pair the wrong way round falls back to its defaults:
 * a typing error in a policy must not accuse anybody.
 */
export function thresholdsFrom(overrides: Readonly<Record<string, unknown>> = {}): Thresholds {
  const result = { ...DEFAULT_THRESHOLDS };
  for (const name of Object.keys(DEFAULT_THRESHOLDS) as (keyof Thresholds)[]) {
    const value = overrides[name];
    if (typeof value === 'number' && Number.isFinite(value) && value > 0) {
      result[name] = value;
    }
  }
  for (const [larger, smaller] of ABOVE) {
    if (result[larger] < result[smaller]) {
      result[larger] = DEFAULT_THRESHOLDS[larger];
      result[smaller] = DEFAULT_THRESHOLDS[smaller];
    }
  }

  return result;
}
