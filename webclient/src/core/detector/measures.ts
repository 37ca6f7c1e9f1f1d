// What is measured of one frame, in the worker: a few numbers that cost the page
// nothing to look at.

import { eyesOf } from './eyes';
import type { Landmarks, Size } from './landmarks';
import { mouthOpenness } from './mouth';
import type { PictureMeasures } from './picture';
import { headPose, type Pose } from './pose';

export interface FaceMeasures {
  /** null when the points fit no head. */
  pose: Pose | null;
  /** Irises from the middle of the eyes, in half eye widths; see eyes.ts. */
  irisOffset: number;
  eyeOpenness: number;
  /** Pixels of the frame. */
  eyeWidth: number;
  /** The gap between the lips in nose lengths; see mouth.ts. */
  mouth: number;
  /** The face's box: middle and width, as fractions of the frame. */
  x: number;
  y: number;
  width: number;
}

export interface Measures {
  /** When the frame was taken, by the page's clock. */
  at: number;
  /** Largest first; null when no model runs: then nothing is known of faces. */
  faces: FaceMeasures[] | null;
  picture: PictureMeasures;
  /** What the frame cost the worker, in milliseconds. */
  workMs: number;
}

export function measureFace(face: Landmarks, size: Size): FaceMeasures {
  const { offset, openness, width } = eyesOf(face, size);
  let [left, right, top, bottom] = [Infinity, -Infinity, Infinity, -Infinity];
  for (const { x, y } of face) {
    left = Math.min(left, x);
    right = Math.max(right, x);
    top = Math.min(top, y);
    bottom = Math.max(bottom, y);
  }

  return {
    pose: headPose(face, size),
    irisOffset: offset,
    eyeOpenness: openness,
    eyeWidth: width,
    mouth: mouthOpenness(face, size),
    x: (left + right) / 2,
    y: (top + bottom) / 2,
    width: right - left,
  };
}

export function measureFaces(faces: readonly Landmarks[], size: Size): FaceMeasures[] {
  return faces.map((face) => measureFace(face, size)).sort((a, b) => b.width - a.width);
}
