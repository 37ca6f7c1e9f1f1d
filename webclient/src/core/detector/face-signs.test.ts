import { beforeEach, describe, expect, it } from 'vitest';

import { Signs, type Observation } from '../signs';
import { FaceSigns } from './face-signs';
import type { FaceMeasures } from './measures';
import { measuresOf, seeded, someFace } from './testing';
import { DEFAULT_THRESHOLDS } from './thresholds';

const STEP_MS = 200;

let signs: FaceSigns;
let now: number;

beforeEach(() => {
  signs = new FaceSigns(DEFAULT_THRESHOLDS);
  now = 0;
});

function see(faces: FaceMeasures[] | null, picture = {}): Observation {
  now += STEP_MS;

  return signs.observe(measuresOf(now, faces, picture));
}

function last(frames: number, faces: FaceMeasures[] | null, picture = {}): Observation {
  let observed: Observation = {};
  for (let i = 0; i < frames; i += 1) {
    observed = see(faces, picture);
  }

  return observed;
}

const calibrate = () => last(17, [someFace()]);

describe('faces', () => {
  it('one is well', () => {
    expect(last(15, [someFace()])).toEqual({
      FaceMissing: false, MultipleFaces: false, HeadTurned: false, GazeDeviation: false, Speaking: false, LowQuality: false,
    });
  });

  it('none is missing, two are many, and then nobody is judged by their eyes', () => {
    last(15, [someFace()]);
    expect(last(3, [])).toEqual({ FaceMissing: true, MultipleFaces: false, LowQuality: false });
    expect(last(3, [someFace(), someFace({ x: 0.2 })])).toEqual({ FaceMissing: false, MultipleFaces: true, LowQuality: false });
  });

  it('one odd frame is no news, neither for the count nor for the head', () => {
    calibrate();
    last(5, [someFace({ yaw: 40 })]);
    expect(see([])).toMatchObject({ FaceMissing: false, HeadTurned: true });
    expect(see([someFace({ yaw: 40 })])).toMatchObject({ FaceMissing: false, HeadTurned: true });
    expect(see([someFace({ yaw: 40 }), someFace()])).toMatchObject({ MultipleFaces: false, HeadTurned: true });
  });
});

describe('nothing known is nothing told', () => {
  it('without a model only the picture is', () => {
    expect(last(50, null)).toEqual({ LowQuality: false });
    expect(last(5, null, { luminance: 30 })).toEqual({ LowQuality: true });
  });

  it('a covered camera is not a missing face, nor one of low quality', () => {
    last(5, [someFace()]);
    expect(last(50, [], { luminance: 2, contrast: 0, sharpness: 0, difference: 0 })).toEqual({});
  });

  it('closed, narrow and turned eyes tell no gaze', () => {
    calibrate();
    expect(see([someFace({ irisOffset: 0.5 })])).toMatchObject({ GazeDeviation: true });
    expect(see([someFace({ irisOffset: 0.5, eyeOpenness: 0.05 })])).not.toHaveProperty('GazeDeviation');
    expect(see([someFace({ irisOffset: 0.5, eyeWidth: 8 })])).not.toHaveProperty('GazeDeviation');
    expect(see([someFace({ irisOffset: 0.5, yaw: 40 })])).toEqual(
      expect.not.objectContaining({ GazeDeviation: true }),
    );
  });

  it('a face without a pose has neither head nor gaze', () => {
    expect(last(3, [{ ...someFace(), pose: null }])).toEqual({ FaceMissing: false, MultipleFaces: false, LowQuality: false });
  });

  it('what was before a gap does not go on after it', () => {
    calibrate();
    last(5, [someFace({ yaw: 40 })]);
    now += 10_000;
    expect(see([])).not.toHaveProperty('FaceMissing');
    expect(signs.angles).toBeNull();
  });
});

describe('head and gaze', () => {
  it('count from the rest position', () => {
    last(17, [someFace({ yaw: 12, irisOffset: -0.08 })]);
    expect(signs.calibration.done).toBe(true);
    expect(see([someFace({ yaw: 32, irisOffset: -0.08 })])).toMatchObject({ HeadTurned: false });
    expect(see([someFace({ yaw: 34, irisOffset: -0.08 })])).toMatchObject({ HeadTurned: true });
    expect(see([someFace({ yaw: 29, irisOffset: -0.08 })])).toMatchObject({ HeadTurned: true });
    expect(see([someFace({ yaw: 27, irisOffset: -0.08 })])).toMatchObject({ HeadTurned: false });
  });

  it('eyes that stay on the screen while the head turns look at the screen', () => {
    calibrate();
    expect(see([someFace({ yaw: 18, irisOffset: -0.187 })])).toMatchObject({ HeadTurned: false, GazeDeviation: false });
    expect(see([someFace({ yaw: 18, irisOffset: 0.05 })])).toMatchObject({ HeadTurned: false, GazeDeviation: true });
  });

  it('are judged mildly until the rest position is known', () => {
    expect(see([someFace({ yaw: 28 })])).toMatchObject({ HeadTurned: false });
    expect(see([someFace({ yaw: 40 })])).toMatchObject({ HeadTurned: true });
  });

  it('up and down is pitch', () => {
    calibrate();
    expect(see([someFace({ pitch: -35 })])).toMatchObject({ HeadTurned: false });
    expect(see([someFace({ pitch: -45 })])).toMatchObject({ HeadTurned: true });
  });
});

describe('the rest position', () => {
  it('is not found in somebody who looks around, nor in one who looks away', () => {
    for (let i = 0; i < 100; i += 1) {
      see([someFace({ yaw: 10 * Math.sin(i / 3) })]);
    }
    expect(signs.calibration.done).toBe(false);
    last(50, [someFace({ yaw: 30 })]);
    expect(signs.calibration.done).toBe(false);
  });

  it('ignores a blink', () => {
    last(8, [someFace({ yaw: 4 })]);
    last(2, [someFace({ yaw: 4, eyeOpenness: 0.02, irisOffset: 0.6 })]);
    last(8, [someFace({ yaw: 4 })]);
    expect(signs.calibration.done).toBe(true);
    expect(signs.calibration.rest).toEqual({ yaw: 4, pitch: -8, irisOffset: 0 });
  });

  it('can be set anew', () => {
    calibrate();
    signs.calibration.reset();
    expect(signs.calibration.done).toBe(false);
    last(17, [someFace({ yaw: -10 })]);
    expect(signs.calibration.rest.yaw).toBe(-10);
  });
});

it('a face that never moves is shown, and no sign', () => {
  const observed = last(200, [someFace()]);
  expect(signs.stillMs).toBeGreaterThan(30_000);
  expect(Object.values(observed)).not.toContain(true);
  see([someFace({ eyeOpenness: 0.1 })]);
  expect(signs.stillMs).toBe(0);
});

it('ten minutes of ordinary behaviour report nothing', () => {
  const random = seeded(11);
  const rules = ['FaceMissing', 'MultipleFaces', 'GazeDeviation', 'HeadTurned', 'Speaking', 'LowQuality'].map((type) => ({
    type, severity: 'medium', weight: 4, ttlMs: 20_000, mustLastMs: 1_000,
  }));
  const watcher = new Signs(rules);
  let [yaw, gaze, pitch, blink] = [0, 0, -8, 0];
  for (let i = 0; i < 3_000; i += 1) {
    // Eyes jump, the head drifts and comes back, lids close for a frame or two.
    if (random() < 0.1) {
      gaze = 0.12 * (2 * random() - 1);
    }
    yaw = 0.95 * yaw + 1.5 * (2 * random() - 1);
    pitch = -8 + 0.95 * (pitch + 8) + 2 * (2 * random() - 1);
    blink = blink > 0 ? blink - 1 : random() < 0.05 ? 1 : 0;
    const face = someFace({
      yaw, pitch, irisOffset: gaze, eyeOpenness: blink > 0 ? 0.04 : 0.3, mouth: 0.02 + 0.02 * random(), x: 0.5 + 0.01 * random(),
    });
    const observed = see(random() < 0.02 ? [] : [face], { difference: 0.3 + random() });
    expect(watcher.observe(now, observed)).toEqual([]);
  }
});

it('whatever is seen, signs exclude each other where truth does', () => {
  const random = seeded(23);
  const pick = <T>(...values: T[]) => values[Math.floor(random() * values.length)];
  for (let i = 0; i < 5_000; i += 1) {
    const face = () => someFace({ yaw: 120 * (random() - 0.5), irisOffset: random() - 0.5, eyeOpenness: random() / 2, mouth: random() });
    const faces = pick<FaceMeasures[] | null>(null, [], [face()], [face()], [face()], [face(), face()]) ?? null;
    const luminance = pick(3, 30, 120, 240) ?? 120;
    now += pick(0, 0, 0, 700, 9_000) ?? 0;
    const { FaceMissing, MultipleFaces, GazeDeviation, HeadTurned, Speaking, LowQuality } = see(faces, { luminance });
    expect(FaceMissing === true && MultipleFaces === true).toBe(false);
    expect(HeadTurned === true && GazeDeviation === true).toBe(false);
    if (luminance < 20) {
      expect([FaceMissing, MultipleFaces, GazeDeviation, HeadTurned, Speaking, LowQuality]).toEqual(Array(6).fill(undefined));
    }
  }
});
