import { describe, expect, it } from 'vitest';

import { LANDMARK_COUNT } from './landmarks';
import { headPose } from './pose';
import { seeded, SIZE, turnedFace } from './testing';

it('an upright face has no angles', () => {
  const pose = headPose(turnedFace({ yaw: 0, pitch: 0, roll: 0 }), SIZE);
  for (const angle of Object.values(pose ?? { yaw: NaN })) {
    expect(angle).toBeCloseTo(0, 6);
  }
});

it.each([
  ['yaw', { yaw: 30, pitch: 0, roll: 0 }],
  ['pitch', { yaw: 0, pitch: 20, roll: 0 }],
  ['roll', { yaw: 0, pitch: 0, roll: 45 }],
] as const)('%s alone is found alone, with its sign', (_name, truth) => {
  const pose = headPose(turnedFace(truth), SIZE);
  expect(pose?.yaw).toBeCloseTo(truth.yaw, 4);
  expect(pose?.pitch).toBeCloseTo(truth.pitch, 4);
  expect(pose?.roll).toBeCloseTo(truth.roll, 4);
});

describe('any pose', () => {
  const random = seeded(7);
  const between = (limit: number) => (2 * random() - 1) * limit;
  const poses = Array.from({ length: 200 }, () => ({ yaw: between(60), pitch: between(50), roll: between(80) }));

  it('is found again', () => {
    for (const truth of poses) {
      const pose = headPose(turnedFace(truth), SIZE);
      expect(pose?.yaw).toBeCloseTo(truth.yaw, 3);
      expect(pose?.pitch).toBeCloseTo(truth.pitch, 3);
      expect(pose?.roll).toBeCloseTo(truth.roll, 3);
    }
  });

  it('survives a pixel of noise', () => {
    for (const truth of poses) {
      const pose = headPose(turnedFace(truth, () => between(1)), SIZE);
      expect(Math.abs((pose?.yaw ?? NaN) - truth.yaw)).toBeLessThan(4);
    }
  });

  it('does not depend on the size of the face', () => {
    for (const truth of poses) {
      const small = turnedFace(truth).map(({ x, y, z }) => ({ x: 0.2 + x / 4, y: 0.1 + y / 4, z: z / 4 }));
      expect(headPose(small, SIZE)?.yaw).toBeCloseTo(truth.yaw, 3);
    }
  });
});

it.each([
  ['all in one place', Array.from({ length: LANDMARK_COUNT }, () => ({ x: 0.5, y: 0.5, z: 0 }))],
  ['not a number', Array.from({ length: LANDMARK_COUNT }, () => ({ x: NaN, y: 0, z: 0 }))],
  ['too few', []],
])('%s is no pose', (_name, points) => {
  expect(headPose(points, SIZE)).toBeNull();
});

it('a mirrored face is no pose', () => {
  const mirrored = turnedFace({ yaw: 0, pitch: 0, roll: 0 }).map(({ x, y, z }) => ({ x, y, z: -z }));
  expect(headPose(mirrored, SIZE)).toBeNull();
});
