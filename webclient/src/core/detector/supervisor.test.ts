import { beforeEach, describe, expect, it, vi } from 'vitest';

import { FakeTimers, settled } from '../testing';
import { Detector, type DetectorState } from './detector';
import type { FromWorker, Frame, ToWorker } from './protocol';
import type { FrameSource, WorkerPort } from './supervisor';
import { measuresOf, someFace } from './testing';
import { DEFAULT_THRESHOLDS } from './thresholds';

class FakeWorker implements WorkerPort {
  onmessage: WorkerPort['onmessage'] = null;
  onerror: WorkerPort['onerror'] = null;
  readonly got: ToWorker[] = [];
  terminated = false;

  postMessage(message: ToWorker): void {
    this.got.push(message);
  }

  terminate(): void {
    this.terminated = true;
  }

  says(message: FromWorker): void {
    this.onmessage?.({ data: message });
  }

  get frames(): number {
    return this.got.filter(({ type }) => type === 'frame').length;
  }
}

const track = {} as MediaStreamTrack;
const ready: FromWorker = { type: 'ready', engine: 'face_mesh', code: null };

let timers: FakeTimers;
let workers: FakeWorker[];
let states: DetectorState[];
let grab: () => Promise<Frame | null>;
let closed: number;
let detector: Detector;
const onLook = vi.fn();

function frame() {
  return { close: vi.fn() } as unknown as Frame;
}

beforeEach(() => {
  timers = new FakeTimers();
  workers = [];
  states = [];
  closed = 0;
  onLook.mockClear();
  grab = () => Promise.resolve(frame());
  const source: FrameSource = {
    grab: () => grab(),
    close: () => {
      closed += 1;
    },
  };
  detector = new Detector({
    createWorker: () => {
      const worker = new FakeWorker();
      workers.push(worker);

      return worker;
    },
    source: () => source,
    base: 'https://exam.test/x/default/finals/',
    timers,
    random: () => 1,
    log: () => undefined,
    onState: (state) => states.push(state),
    onLook,
  });
});

const worker = () => {
  const last = workers.at(-1);
  if (last === undefined) {
    throw new Error('no worker was made');
  }

  return last;
};

const state = () => states.at(-1);

function start(taskModel: string | null = null) {
  detector.start(track, { thresholds: DEFAULT_THRESHOLDS, taskModel });
}

/** One frame, from wanting it to its measures. */
async function look(faces = [someFace()], luminance = 120) {
  worker().says({ type: 'want' });
  await settled();
  worker().says({ type: 'measured', measures: measuresOf(timers.now(), faces, { luminance }) });
  timers.advance(200);
}

it('starts a worker, feeds it, and tells what it sees', async () => {
  start();
  expect(worker().got).toEqual([{ type: 'start', base: 'https://exam.test/x/default/finals/', taskModel: null }]);
  expect(state()).toMatchObject({ status: 'loading' });
  worker().says(ready);
  expect(state()).toMatchObject({ status: 'running', engine: 'face_mesh', faces: null });
  for (let i = 0; i < 20; i += 1) {
    await look();
  }
  expect(worker().frames).toBe(20);
  expect(onLook).toHaveBeenCalledTimes(20);
  expect(state()).toMatchObject({ faces: 1, fps: 5, light: 'good', calibrated: true });
  expect(detector.observation(timers.now())).toMatchObject({ FaceMissing: false });
  expect(detector.luminance(timers.now())).toBe(120);
});

it('gives one frame at a time, and only when one is wanted', async () => {
  start();
  worker().says(ready);
  await settled();
  timers.advance(5_000);
  expect(worker().frames).toBe(0);
  worker().says({ type: 'want' });
  await settled();
  timers.advance(5_000);
  expect(worker().frames).toBe(1);
});

it('knows nothing any more of what it saw long ago', async () => {
  start();
  worker().says(ready);
  await look([]);
  await look([]);
  expect(detector.observation(timers.now())).toMatchObject({ FaceMissing: true });
  timers.advance(2_500);
  expect(detector.observation(timers.now())).toEqual({});
  expect(detector.luminance(timers.now())).toBeNull();
});

it('a camera without new frames is no news', async () => {
  grab = () => Promise.resolve(null);
  start();
  worker().says(ready);
  worker().says({ type: 'want' });
  await settled();
  expect(worker().got.at(-1)).toEqual({ type: 'noFrame' });
  timers.advance(60_000);
  expect(workers).toHaveLength(1);
  expect(detector.observation(timers.now())).toEqual({});
});

it('a frame that comes after the end is freed', async () => {
  let give: (frame: Frame) => void = () => undefined;
  grab = () => new Promise((resolve) => (give = resolve));
  start();
  worker().says(ready);
  worker().says({ type: 'want' });
  detector.stop();
  const late = frame();
  give(late);
  await settled();
  // eslint-disable-next-line @typescript-eslint/unbound-method
  expect(vi.mocked(late.close)).toHaveBeenCalledOnce();
  expect(worker().frames).toBe(0);
});

describe('replaces a worker', () => {
  it('that fails, later each time', async () => {
    start();
    for (const wait of [1_000, 2_000, 4_000]) {
      const before = worker();
      before.says({ type: 'failed', engine: 'face_mesh', code: 'Crashed', detail: 'abort()' });
      expect(before.terminated).toBe(true);
      expect(state()).toMatchObject({ status: 'restarting', code: 'Crashed' });
      timers.advance(wait - 1);
      expect(worker()).toBe(before);
      timers.advance(1);
      expect(worker()).not.toBe(before);
    }
    worker().says(ready);
    for (let i = 0; i < 30; i += 1) {
      await look();
    }
    const good = worker();
    good.says({ type: 'failed', engine: 'face_mesh', code: 'Crashed', detail: 'abort()' });
    timers.advance(1_000);
    expect(worker()).not.toBe(good);
  });

  it('that does not answer', async () => {
    start();
    worker().says(ready);
    await look();
    worker().says({ type: 'want' });
    await settled();
    timers.advance(10_000);
    expect(state()).toMatchObject({ status: 'restarting', code: 'Hung' });
    timers.advance(1_000);
    expect(workers).toHaveLength(2);
  });

  it('that never gets ready, or whose script does not load', () => {
    start();
    timers.advance(120_000);
    expect(state()).toMatchObject({ code: 'Hung' });
    timers.advance(1_000);
    worker().onerror?.({ message: 'no script' });
    expect(state()).toMatchObject({ code: 'Crashed' });
  });

  it('without the model that the server offers, if that was to blame', () => {
    start('models/face_landmarker.task');
    expect(worker().got[0]).toMatchObject({ taskModel: 'models/face_landmarker.task' });
    worker().says({ type: 'ready', engine: 'tasks-vision', code: null });
    worker().says({ type: 'failed', engine: 'tasks-vision', code: 'Crashed', detail: '' });
    timers.advance(1_000);
    expect(worker().got[0]).toMatchObject({ taskModel: null });
  });

  it('but not after the end', () => {
    start();
    worker().says({ type: 'failed', engine: null, code: 'LoadFailed', detail: '404' });
    detector.stop();
    timers.advance(600_000);
    expect(workers).toHaveLength(1);
    expect(timers.pending).toBe(0);
    expect(closed).toBe(1);
    expect(state()).toMatchObject({ status: 'off', faces: null });
  });
});

it('says what a browser cannot do, and measures the light all the same', async () => {
  start();
  worker().says({ type: 'ready', engine: null, code: 'NoWebGL' });
  worker().says({ type: 'want' });
  await settled();
  worker().says({ type: 'measured', measures: measuresOf(timers.now(), null, { luminance: 30 }) });
  timers.advance(500);
  worker().says({ type: 'measured', measures: measuresOf(timers.now(), null, { luminance: 30 }) });
  expect(state()).toMatchObject({ status: 'pictureOnly', code: 'NoWebGL', faces: null, light: 'dark' });
  expect(detector.observation(timers.now())).toEqual({ LowQuality: true });
});

it('says so where there are no workers', () => {
  const lonely = new Detector({
    createWorker: null, source: () => ({ grab: () => grab(), close: () => undefined }), base: '', timers, random: () => 1,
    log: () => undefined, onState: (next) => states.push(next), onLook,
  });
  lonely.start(track, { thresholds: DEFAULT_THRESHOLDS, taskModel: null });
  expect(state()).toMatchObject({ status: 'off', code: 'NoWorker' });
});

it('gives the last frame as a picture, or nothing when there is no answer', async () => {
  await expect(detector.picture()).resolves.toBeNull();
  start();
  worker().says(ready);
  const jpeg = new Blob(['jpeg']);
  const [first, second] = [detector.picture(), detector.picture()];
  worker().says({ type: 'picture', id: 1, jpeg });
  await expect(first).resolves.toBe(jpeg);
  timers.advance(3_000);
  await expect(second).resolves.toBeNull();
});
