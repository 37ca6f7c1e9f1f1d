// Faces and pictures with known truth, for the tests of this folder.

import { CANONICAL_BASIS } from './canonical-face';
import { LANDMARK_COUNT, type Landmarks, type Size } from './landmarks';
import type { FaceMeasures, Measures } from './measures';
import type { Pose } from './pose';

export const SIZE: Size = { width: 640, height: 360 };

/** Pixels per centimetre of the canonical face. */
const SCALE = 12;
const RADIANS = Math.PI / 180;

/** The canonical face, turned; pixels as an engine gives them. */
export function turnedFace({ yaw, pitch, roll }: Pose, noise = () => 0): Landmarks {
  const face = Array.from({ length: LANDMARK_COUNT }, () => ({ x: 0.5, y: 0.5, z: 0 }));
  for (const [index, , x, y, z] of CANONICAL_BASIS) {
    const [x1, y1] = rotate(x, y, roll);
    // Up is against the direction in which z turns to y.
    const [z2, y2] = rotate(z, y1, pitch);
    const [z3, x3] = rotate(z2, x1, yaw);
    face[index] = {
      x: 0.5 + (x3 * SCALE + noise()) / SIZE.width,
      y: 0.5 - (y2 * SCALE + noise()) / SIZE.height,
      z: (-z3 * SCALE + noise()) / SIZE.width,
    };
  }

  return face;
}

function rotate(a: number, b: number, degrees: number): [number, number] {
  const [cos, sin] = [Math.cos(degrees * RADIANS), Math.sin(degrees * RADIANS)];

  return [a * cos - b * sin, a * sin + b * cos];
}

export function someFace(change: Partial<Omit<FaceMeasures, 'pose'>> & Partial<Pose> = {}): FaceMeasures {
  const { yaw = 0, pitch = -8, roll = 0, ...rest } = change;

  return {
    pose: { yaw, pitch, roll },
    irisOffset: 0,
    eyeOpenness: 0.3,
    eyeWidth: 33,
    mouth: 0.02,
    x: 0.5,
    y: 0.5,
    width: 0.3,
    ...rest,
  };
}

export function measuresOf(at: number, faces: FaceMeasures[] | null, picture: Partial<Measures['picture']> = {}): Measures {
  return {
    at,
    faces,
    picture: { luminance: 120, contrast: 50, sharpness: 500, difference: 1, ...picture },
    workMs: 50,
  };
}

/** Numbers in [0, 1) that are the same in every run (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed;

  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;

    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
