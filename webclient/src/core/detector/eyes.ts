// Where the irises are between the corners of the eyes. Only sideways: the lids
// cover most of what looking up and down moves, and measured vertical offsets
// follow the truth too weakly to say anything.

import { distance, pixel, type Landmarks, type Size } from './landmarks';

interface Eye {
  /** The corners at the picture's left and right. */
  left: number;
  right: number;
  upperLid: number;
  lowerLid: number;
  iris: number;
}

const EYES: readonly [Eye, Eye] = [
  { left: 33, right: 133, upperLid: 159, lowerLid: 145, iris: 468 },
  { left: 362, right: 263, upperLid: 386, lowerLid: 374, iris: 473 },
];

export interface Eyes {
  /**
   * The irises' distance from the middle between the eyes' corners in half eye
   * widths, mean of both eyes, -1 to 1; positive: to the picture's right.
   */
  offset: number;
  /** Distance of the lids in eye widths; about 0.3 open, below 0.12 closed. */
  openness: number;
  /** Mean width of the eyes in pixels: below 15 or so, offset is noise. */
  width: number;
}

export function eyesOf(face: Landmarks, size: Size): Eyes {
  let offset = 0;
  let openness = 0;
  let width = 0;
  for (const eye of EYES) {
    const [lx, ly] = pixel(face, eye.left, size);
    const [rx, ry] = pixel(face, eye.right, size);
    const [ix, iy] = pixel(face, eye.iris, size);
    const across = Math.max(Math.hypot(rx - lx, ry - ly), Number.EPSILON);
    // Along the line of the corners, so that a tilted head changes nothing.
    const along = ((ix - (lx + rx) / 2) * (rx - lx) + (iy - (ly + ry) / 2) * (ry - ly)) / across;
    offset += along / across;
    openness += distance(face, eye.upperLid, eye.lowerLid, size) / across / 2;
    width += across / 2;
  }

  return { offset, openness, width };
}
