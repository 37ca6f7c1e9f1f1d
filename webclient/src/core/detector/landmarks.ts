// What both engines give: 478 points per face, of which the last ten are the
// irises. x and y are fractions of the picture's width and height, from the top
// left; z has the scale of x, and is smaller towards the camera.

export interface Point {
  readonly x: number;
  readonly y: number;
  readonly z: number;
}

export type Landmarks = readonly Point[];

export const LANDMARK_COUNT = 478;

/** A picture's size in pixels: landmarks are fractions of it. */
export interface Size {
  width: number;
  height: number;
}

/** A landmark in pixels. A list that is too short is a fault of the engine. */
export function pixel(face: Landmarks, index: number, { width, height }: Size): [x: number, y: number] {
  const point = face[index];
  if (point === undefined) {
    throw new RangeError(`a face of ${String(face.length)} landmarks has no ${String(index)}`);
  }

  return [point.x * width, point.y * height];
}

/** Between two landmarks, in pixels. */
export function distance(face: Landmarks, a: number, b: number, size: Size): number {
  const [ax, ay] = pixel(face, a, size);
  const [bx, by] = pixel(face, b, size);

  return Math.hypot(ax - bx, ay - by);
}
