// Head pose: the rotation that brings the canonical face closest to the one that
// is seen (weighted orthogonal Procrustes, weak perspective). Distances to the
// camera and lenses play no part.

import { CANONICAL_BASIS } from './canonical-face';
import type { Landmarks, Size } from './landmarks';

/** Degrees. A face that looks into the camera upright has 0, 0, 0. */
export interface Pose {
  /** Positive: the nose points to the picture's right. */
  yaw: number;
  /** Positive: the nose points up. */
  pitch: number;
  /** Positive: tilted counter-clockwise in the picture. */
  roll: number;
}

/** Row by row. */
type Matrix = [number, number, number, number, number, number, number, number, number];

const DEGREES = 180 / Math.PI;
/** Converges quadratically; a face needs six or seven. */
const MAX_STEPS = 40;
const CLOSE_ENOUGH = 1e-12;

/** null for points that are no face, such as all in one plane or one place. */
export function headPose(face: Landmarks, size: Size): Pose | null {
  const covariance = covarianceOf(face, size);
  const r = covariance === null ? null : nearestRotation(covariance);
  if (r === null) {
    return null;
  }

  // The third column is where the nose points, the first where its side does.
  return {
    yaw: Math.atan2(r[2], r[8]) * DEGREES,
    pitch: Math.asin(Math.min(1, Math.max(-1, r[5]))) * DEGREES,
    roll: Math.atan2(r[3], r[4]) * DEGREES,
  };
}

/** How the seen points go with the canonical ones, both about their centres. */
function covarianceOf(face: Landmarks, { width, height }: Size): Matrix | null {
  let weights = 0;
  const seen: [number, number, number][] = [];
  const seenCentre = [0, 0, 0] as [number, number, number];
  for (const [index, weight] of CANONICAL_BASIS) {
    const point = face[index];
    if (point === undefined) {
      return null;
    }
    // Pixels, y up and z to the camera, as the canonical face has it.
    const at: [number, number, number] = [point.x * width, -point.y * height, -point.z * width];
    seen.push(at);
    weights += weight;
    seenCentre[0] += weight * at[0];
    seenCentre[1] += weight * at[1];
    seenCentre[2] += weight * at[2];
  }
  const m: Matrix = [0, 0, 0, 0, 0, 0, 0, 0, 0];
  CANONICAL_BASIS.forEach(([, weight, x, y, z], i) => {
    // Centring one side is enough: the other's mean then cancels.
    const at = seen[i] ?? [0, 0, 0];
    for (const row of [0, 1, 2] as const) {
      const value = weight * (at[row] - seenCentre[row] / weights);
      m[3 * row] = (m[3 * row] ?? 0) + value * x;
      m[3 * row + 1] = (m[3 * row + 1] ?? 0) + value * y;
      m[3 * row + 2] = (m[3 * row + 2] ?? 0) + value * z;
    }
  });

  return m;
}

/**
 * The rotation in a matrix (its polar factor), by Newton's iteration: the mean of
 * the matrix and its inverse transposed, until nothing changes any more.
 */
function nearestRotation(matrix: Matrix): Matrix | null {
  const scale = Math.hypot(...matrix);
  if (!(scale > 0) || !Number.isFinite(scale)) {
    return null;
  }
  let r = matrix.map((value) => value / scale) as Matrix;
  for (let i = 0; i < MAX_STEPS; i += 1) {
    const cofactors = cofactorsOf(r);
    const determinant = r[0] * cofactors[0] + r[1] * cofactors[1] + r[2] * cofactors[2];
    // A mirrored face does not exist, and a flat one has no pose.
    if (determinant < CLOSE_ENOUGH) {
      return null;
    }
    const next = r.map((value, k) => (value + (cofactors[k] ?? 0) / determinant) / 2) as Matrix;
    const change = Math.hypot(...next.map((value, k) => value - (r[k] ?? 0)));
    r = next;
    if (change < CLOSE_ENOUGH) {
      break;
    }
  }

  return r;
}

/** The inverse transposed, times the determinant. */
function cofactorsOf([a, b, c, d, e, f, g, h, i]: Matrix): Matrix {
  return [
    e * i - f * h, f * g - d * i, d * h - e * g,
    c * h - b * i, a * i - c * g, b * g - a * h,
    b * f - c * e, c * d - a * f, a * e - b * d,
  ];
}
