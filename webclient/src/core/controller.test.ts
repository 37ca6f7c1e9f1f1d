import { beforeEach, describe, expect, it, vi } from 'vitest';

import { ApiError } from './api-error';
import { Session } from './controller';
import { DETECTOR_OFF, type DetectorState } from './detector/detector';
import { DEFAULT_THRESHOLDS } from './detector/thresholds';
import type { EventsState } from './events';
import type { Admission } from './join';
import type { Observation } from './signs';
import type { Told } from './notice';
import type { Parts } from './parts';
import { PATH_UNKNOWN, type PathCheck } from './path-check';
import { admission, FakeTimers, notice, settled } from './testing';
import type { ServerMessage } from './wire';
import type { WhipState } from './whip';

const stream = { getVideoTracks: () => [{ id: 'camera' }] } as unknown as MediaStream;

function unset(): never {
  throw new Error('not wired yet');
}

function setUp() {
  const timers = new FakeTimers();
  const page = { visible: true, focused: true, changed: () => undefined as unknown };
  const camera = {
    stream: null as MediaStream | null,
    light: 120 as number | null,
    dark: false,
    open: vi.fn(() => {
      camera.stream = stream;

      return Promise.resolve(stream);
    }),
    close: vi.fn(() => {
      camera.stream = null;
    }),
    muted: () => camera.dark,
    luminance: () => camera.light,
    onEnded: (): void => undefined,
    list: () => Promise.resolve({ cameras: [{ id: 'c1', label: 'Built-in' }], chosen: 'c1' }),
    choose: vi.fn(),
  };
  const publisher = {
    start: vi.fn(), stop: vi.fn(), want: vi.fn(), move: vi.fn(), hurry: vi.fn(), reconnect: vi.fn(),
  };
  const pathChecker = { start: vi.fn(), stop: vi.fn() };
  const detector = {
    start: vi.fn(),
    stop: vi.fn(),
    recalibrate: vi.fn(),
    picture: () => Promise.resolve(null),
    observed: {} as Observation,
    light: null as number | null,
    observation: () => detector.observed,
    luminance: () => detector.light,
  };
  const evidence = { start: vi.fn(), stop: vi.fn(), noticed: vi.fn(), counted: vi.fn() };
  const socket = { start: vi.fn(), stop: vi.fn(), report: vi.fn(), hurry: vi.fn(), reconnect: vi.fn() };
  const wires = {
    media: unset as (state: WhipState) => void,
    path: unset as (check: PathCheck) => void,
    events: unset as (state: EventsState) => void,
    message: unset as (message: ServerMessage) => void,
    looked: unset as () => void,
    detector: unset as (state: DetectorState) => void,
  };
  const join = vi.fn<() => Promise<Admission>>(() =>
    Promise.resolve({ response: admission(), clockOffsetMs: 0 }),
  );
  const told = vi.fn<() => Promise<Told>>(() => Promise.resolve({ notice: notice(), clockOffsetMs: 0 }));
  const parts: Parts = {
    notice: told,
    join,
    camera,
    page: {
      visible: () => page.visible,
      focused: () => page.focused,
      watch: (changed) => {
        page.changed = changed;

        return () => undefined;
      },
    },
    remember: vi.fn(),
    timers,
    random: () => 1,
    evidence,
    detector: ({ onState, onLook }) => {
      wires.detector = onState;
      wires.looked = onLook;

      return detector;
    },
    pathChecker: (onChange) => {
      wires.path = onChange;

      return pathChecker;
    },
    publisher: (onState) => {
      wires.media = onState;

      return publisher;
    },
    events: (_admission, onState, onMessage) => {
      wires.events = onState;
      wires.message = onMessage;

      return socket;
    },
  };

  const session = new Session(parts);

  return { timers, page, camera, detector, evidence, publisher, pathChecker, socket, wires, told, join, session };
}

let all: ReturnType<typeof setUp>;

beforeEach(() => {
  all = setUp();
});

const phase = () => all.session.getState().phase.name;

async function live() {
  const { session, wires } = all;
  session.dispatch({ type: 'started', resume: true });
  await settled();
  wires.media({ name: 'connected' });
  wires.events({ name: 'open' });
  expect(phase()).toBe('live');
}

/** Past the notice. */
async function consent() {
  await opened();
  all.session.dispatch({ type: 'started', resume: false });
}

async function opened() {
  all.session.dispatch({ type: 'opened' });
  await settled();
  expect(phase()).toBe('notice');
}

const found = () =>
  all.socket.report.mock.calls.flatMap(([, violations]) => (violations as { type: string }[]).map(({ type }) => type));

it('asks for the camera only once the student is admitted', async () => {
  const { session, camera, join } = all;
  expect(camera.open).not.toHaveBeenCalled();
  await opened();
  expect(join).not.toHaveBeenCalled();
  session.dispatch({ type: 'started', resume: false });
  expect(join).toHaveBeenCalledOnce();
  expect(camera.open).not.toHaveBeenCalled();
  await settled();
  expect(camera.open).toHaveBeenCalledOnce();
  expect(phase()).toBe('ready');
});

it('publishes and opens the socket with the session token', async () => {
  await live();
  expect(all.publisher.start).toHaveBeenCalledWith({ id: 'camera' }, 'session-token', []);
  expect(all.socket.start).toHaveBeenCalledWith('session-token');
});

it('sends what the server wants of the camera', async () => {
  await live();
  all.wires.message({ type: 'media', media: 'low' });
  expect(all.publisher.want).toHaveBeenCalledExactlyOnceWith('low');
});

it('reports every interval, and at once on a violation', async () => {
  await live();
  const { timers, page, socket } = all;
  socket.report.mockClear();
  timers.advance(5_000);
  expect(socket.report).toHaveBeenCalledTimes(2);
  socket.report.mockClear();
  page.focused = false;
  page.changed();
  timers.advance(1_250);
  expect(found()).toEqual(['FocusLost']);
});

it('sees a black and a muted camera', async () => {
  await live();
  all.camera.light = 2;
  all.timers.advance(3_000);
  expect(found()).toEqual(['CameraBlackout']);
  all.camera.light = 120;
  all.timers.advance(20_000);
  all.camera.dark = true;
  all.timers.advance(3_000);
  expect(found()).toEqual(['CameraBlackout', 'CameraBlackout']);
});

it('reads no picture of a hidden page', async () => {
  await live();
  all.camera.light = 2;
  all.page.visible = false;
  all.timers.advance(5_000);
  expect(found()).toEqual(['FocusLost']);
});

describe('the face detector', () => {
  it('runs from the camera check on, and ends with the camera', async () => {
    const { session, detector, camera, wires } = all;
    await consent();
    await settled();
    expect(phase()).toBe('ready');
    expect(detector.start).toHaveBeenCalledOnce();
    expect(detector.start).toHaveBeenCalledWith({ id: 'camera' }, expect.objectContaining({ taskModel: null }));
    wires.detector({ ...DETECTOR_OFF, status: 'running', engine: 'face_mesh', faces: 1 });
    expect(session.getState().detector).toMatchObject({ status: 'running', faces: 1 });
    detector.stop.mockClear();
    camera.onEnded();
    expect(detector.stop).toHaveBeenCalled();
  });

  it('reports what it sees as everything else', async () => {
    all.join.mockResolvedValueOnce({ response: withRule('FaceMissing'), clockOffsetMs: 0 });
    await live();
    const { timers, detector, socket, wires } = all;
    socket.report.mockClear();
    detector.observed = { FaceMissing: true };
    wires.looked();
    timers.advance(1_000);
    expect(found()).toEqual(['FaceMissing']);
    detector.observed = {};
    timers.advance(60_000);
    expect(found()).toEqual(['FaceMissing']);
  });

  it('gives the frame that shows a violation as evidence of it, where it is kept', async () => {
    all.told.mockResolvedValueOnce({ notice: { ...notice(), evidence: {} }, clockOffsetMs: 0 });
    all.session.dispatch({ type: 'opened' });
    await live();
    const { evidence, page, timers, wires } = all;
    expect(evidence.start).toHaveBeenCalledWith('session-token');
    page.focused = false;
    timers.advance(2_000);
    expect(evidence.noticed).toHaveBeenCalledWith([expect.objectContaining({ type: 'FocusLost' })], expect.any(Function));
    const violation = { type: 'FocusLost', severity: 'medium', at: 3, number: 1 };
    wires.message({ type: 'violation', violation });
    expect(evidence.counted).toHaveBeenCalledWith(violation);
  });

  it('sees the light in a hidden page too', async () => {
    await live();
    all.page.visible = false;
    all.detector.light = 3;
    all.timers.advance(3_000);
    expect(found()).toEqual(['FocusLost', 'CameraBlackout']);
  });

  it('takes thresholds and model from the policy', async () => {
    const response = withRule('HeadTurned');
    response.policy.thresholds = { yawEnter: 40 };
    response.policy.faceModel = 'models/face_landmarker.task';
    all.join.mockResolvedValueOnce({ response, clockOffsetMs: 0 });
    await live();
    expect(all.detector.start).toHaveBeenCalledWith(expect.anything(), {
      thresholds: { ...DEFAULT_THRESHOLDS, yawEnter: 40 },
      taskModel: 'models/face_landmarker.task',
    });
  });

  function withRule(type: string) {
    const response = admission();
    response.policy.violations.push({ type, severity: 'high', weight: 10, ttlMs: 90_000, mustLastMs: 1_000 });

    return response;
  }
});

it('watches no signs before the exam starts, but reports the page', async () => {
  all.join.mockResolvedValueOnce({
    response: admission({ startsAt: all.timers.now() + 10_000 }),
    clockOffsetMs: 0,
  });
  await live();
  all.page.focused = false;
  all.timers.advance(9_000);
  expect(found()).toEqual([]);
  expect(all.socket.report).toHaveBeenCalled();
  all.timers.advance(3_000);
  expect(found()).toEqual(['FocusLost']);
});

it('ends by itself soon after the end when the server cannot say so', async () => {
  all.join.mockResolvedValueOnce({ response: admission({ endsAt: all.timers.now() + 3_000 }), clockOffsetMs: 0 });
  await live();
  all.timers.advance(7_000);
  expect(phase()).toBe('live');
  all.timers.advance(1_500);
  expect(phase()).toBe('finished');
  expect(all.camera.close).toHaveBeenCalled();
  expect(all.timers.pending).toBe(0);
});

it('takes what the server says', async () => {
  await live();
  const { session, wires } = all;
  wires.message({ type: 'violation', violation: { type: 'FocusLost', severity: 'medium', at: 3 } });
  expect(session.getState().warning).toMatchObject({ type: 'FocusLost' });
  wires.message({ type: 'state', state: 'Paused' });
  expect(session.getState().paused).toBe(true);
  wires.message({ type: 'exam', exam: { ...admission().exam, title: 'Moved', now: all.timers.now() + 50 } });
  expect(session.getState()).toMatchObject({ exam: { title: 'Moved' }, clockOffsetMs: 50 });
});

describe('when it cannot join', () => {
  it('tries again by itself where waiting helps', async () => {
    all.join.mockRejectedValueOnce(new ApiError('ExamNotOpen', '', 403, 30_000));
    await consent();
    await settled();
    expect(all.session.getState().phase).toEqual({ name: 'early', until: all.timers.now() + 32_000 });
    all.timers.advance(32_000);
    await settled();
    expect(phase()).toBe('ready');
  });

  it('does not where it cannot', async () => {
    all.join.mockRejectedValueOnce(new ApiError('NotEnrolled', '', 403));
    await consent();
    await settled();
    expect(phase()).toBe('failed');
    all.timers.advance(600_000);
    expect(all.join).toHaveBeenCalledOnce();
  });

  it('goes on with the exam while a new token is waited for', async () => {
    await live();
    all.join.mockRejectedValueOnce(new ApiError('Network', ''));
    all.wires.events({ name: 'unauthenticated' });
    all.timers.advance(1_000);
    await settled();
    expect(phase()).toBe('live');
    all.timers.advance(4_000);
    await settled();
    expect(all.join).toHaveBeenCalledTimes(3);
    expect(all.socket.start).toHaveBeenCalledTimes(2);
  });
});

it('stops everything when another device takes over', async () => {
  await live();
  all.wires.events({ name: 'refused', closeCode: 4409 });
  expect(all.session.getState().phase).toMatchObject({ name: 'failed', code: 'SessionReplaced' });
  expect(all.publisher.stop).toHaveBeenCalledWith(false);
  expect(all.socket.stop).toHaveBeenCalled();
  expect(all.camera.close).toHaveBeenCalled();
  expect(all.timers.pending).toBe(0);
});

it('asks again, while it waits, whether the exam opens sooner', async () => {
  all.join.mockRejectedValueOnce(new ApiError('ExamNotOpen', '', 403, 600_000));
  await consent();
  await settled();
  all.told.mockResolvedValueOnce({ notice: notice({ opensAt: all.timers.now() + 90_000 }), clockOffsetMs: 0 });
  all.timers.advance(60_000);
  await settled();
  expect(phase()).toBe('early');
  all.timers.advance(32_000);
  await settled();
  expect(phase()).toBe('ready');
});

it('tells why there is no notice, and asks again when the network is back', async () => {
  all.told.mockRejectedValueOnce(new ApiError('Network', ''));
  all.session.dispatch({ type: 'opened' });
  await settled();
  expect(all.session.getState().phase).toMatchObject({ name: 'failed', code: 'Network' });
  all.session.woken();
  await settled();
  expect(phase()).toBe('notice');
  expect(all.join).not.toHaveBeenCalled();
});

describe('the device check', () => {
  it('tries the way to the server, and gives that up before it publishes', async () => {
    await consent();
    await settled();
    expect(all.pathChecker.start).toHaveBeenCalledExactlyOnceWith('session-token', []);
    const { session, pathChecker, publisher } = all;
    session.dispatch({ type: 'entered' });
    const [stopped] = pathChecker.stop.mock.invocationCallOrder;
    const [started] = publisher.start.mock.invocationCallOrder;
    expect(stopped).toBeLessThan(started ?? 0);
  });

  it('keeps out only who has no way at all', async () => {
    await consent();
    await settled();
    const path: PathCheck = { ...PATH_UNKNOWN, state: 'done', legs: { udp: 'failed', tcp: 'failed', turn: 'notOffered' } };
    all.wires.path(path);
    all.session.dispatch({ type: 'entered' });
    expect(phase()).toBe('ready');
    all.session.dispatch({ type: 'pathWanted' });
    expect(all.pathChecker.start).toHaveBeenCalledTimes(2);
    all.wires.path({ ...path, legs: { ...path.legs, tcp: 'ok' } });
    all.session.dispatch({ type: 'entered' });
    expect(phase()).toBe('connecting');
  });

  it('lists the cameras and takes another one', async () => {
    await consent();
    await settled();
    expect(all.session.getState()).toMatchObject({ cameras: [{ id: 'c1', label: 'Built-in' }], chosenCamera: 'c1' });
    all.session.dispatch({ type: 'cameraChosen', id: 'c2' });
    expect(all.camera.choose).toHaveBeenCalledWith('c2');
    expect(all.camera.open).toHaveBeenCalledTimes(2);
  });
});

describe('a camera that was pulled out', () => {
  it('is opened again once it is back', async () => {
    await live();
    all.camera.onEnded();
    expect(all.session.getState().camera).toBe('ended');
    all.session.devicesChanged();
    await settled();
    expect(all.session.getState().camera).toBe('on');
    expect(all.publisher.start).toHaveBeenCalledTimes(2);
  });

  it('is tried again while it starts', async () => {
    await live();
    all.camera.onEnded();
    all.camera.open.mockRejectedValueOnce(new ApiError('CameraBusy', ''));
    all.session.devicesChanged();
    await settled();
    expect(all.session.getState().camera).toBe('ended');
    all.timers.advance(3_000);
    await settled();
    expect(all.session.getState().camera).toBe('on');
  });
});

describe('after a sleep', () => {
  it('connects at once when the clock has jumped', async () => {
    await live();
    all.timers.advance(1_000);
    expect(all.publisher.reconnect).not.toHaveBeenCalled();
    all.timers.sleep(60_000);
    expect(all.publisher.reconnect).toHaveBeenCalledOnce();
    expect(all.socket.reconnect).toHaveBeenCalledOnce();
  });

  it('does not take it for a sign that went on', async () => {
    await live();
    all.page.focused = false;
    all.timers.advance(500);
    all.timers.sleep(60_000);
    expect(found()).toEqual([]);
  });

  it('waits no longer when the network is back', async () => {
    await live();
    all.session.woken();
    expect(all.publisher.hurry).toHaveBeenCalledOnce();
    expect(all.socket.hurry).toHaveBeenCalledOnce();
  });
});

it('moves the camera when its pod drains', async () => {
  await live();
  all.wires.message({ type: 'move' });
  expect(all.publisher.move).toHaveBeenCalledOnce();
});

it('shows what an invigilator writes until it is read', async () => {
  await live();
  const { session, wires } = all;
  wires.message({ type: 'message', text: 'Please move the lamp.' });
  wires.message({ type: 'message', text: 'No phones.', warning: true });
  expect(session.getState().messages).toEqual([
    { id: 1, text: 'Please move the lamp.', warning: false },
    { id: 2, text: 'No phones.', warning: true },
  ]);
  session.dispatch({ type: 'messageRead', id: 1 });
  expect(session.getState().messages).toMatchObject([{ id: 2 }]);
});

it('does not watch the focus while the quiz has a tab of its own', async () => {
  all.join.mockResolvedValueOnce({
    response: admission({ contentURL: 'https://quiz.test/', contentPlacement: 'Tab' }),
    clockOffsetMs: 0,
  });
  await live();
  all.page.visible = false;
  all.timers.advance(5_000);
  expect(found()).toEqual([]);
});
