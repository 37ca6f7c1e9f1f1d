import { expect, it } from 'vitest';

import { eyesOf } from './eyes';
import { LANDMARK_COUNT, type Landmarks } from './landmarks';
import { measureFaces } from './measures';
import { mouthOpenness } from './mouth';
import { SIZE } from './testing';

/** Eyes 40 pixels wide and 12 open, with the irises so many pixels to the right. */
function face(iris: number, tilt = 0): Landmarks {
  const points = Array.from({ length: LANDMARK_COUNT }, () => ({ x: 0.5, y: 0.5, z: 0 }));
  const put = (index: number, x: number, y: number) => {
    const [cos, sin] = [Math.cos(tilt), Math.sin(tilt)];
    points[index] = { x: 0.5 + (x * cos - y * sin) / SIZE.width, y: 0.5 + (x * sin + y * cos) / SIZE.height, z: 0 };
  };
  for (const [left, right, upper, lower, middle, at] of [
    [33, 133, 159, 145, 468, -50],
    [362, 263, 386, 374, 473, 50],
  ] as const) {
    put(left, at - 20, 0);
    put(right, at + 20, 0);
    put(upper, at, -6);
    put(lower, at, 6);
    put(middle, at + iris, 0);
  }
  put(168, 0, 0);
  put(2, 0, 50);
  put(13, 0, 60);
  put(14, 0, 70);

  return points;
}

it.each([
  [0, 0],
  [10, 0.5],
  [-10, -0.5],
])('irises %d pixels aside are %d half eye widths', (pixels, offset) => {
  expect(eyesOf(face(pixels), SIZE).offset).toBeCloseTo(offset, 6);
});

it('a tilted head changes nothing', () => {
  const tilted = eyesOf(face(8, 0.5), SIZE);
  expect(tilted.offset).toBeCloseTo(0.4, 6);
  expect(tilted.width).toBeCloseTo(40, 6);
  expect(tilted.openness).toBeCloseTo(0.3, 6);
});

it('the mouth opens in nose lengths', () => {
  expect(mouthOpenness(face(0), SIZE)).toBeCloseTo(0.2, 6);
});

it('the largest face comes first, with its box', () => {
  const small = face(0).map(({ x, y, z }) => ({ x: x / 2, y: y / 2, z }));
  const [first, second] = measureFaces([small, face(10)], SIZE);
  expect(first?.irisOffset).toBeCloseTo(0.5, 6);
  expect(first?.width).toBeCloseTo(140 / 640, 6);
  expect(second?.x).toBeCloseTo(0.25, 6);
});

it('a face without its points is a fault', () => {
  expect(() => eyesOf([], SIZE)).toThrow(RangeError);
});
