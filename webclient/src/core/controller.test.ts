import { beforeEach, describe, expect, it, vi } from 'vitest';

import { ApiError } from './api-error';
import { Session, type Parts } from './controller';
import type { EventsState } from './events';
import type { Admission } from './join';
import { admission, FakeTimers, settled } from './testing';
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
  };
  const publisher = { start: vi.fn(), stop: vi.fn(), want: vi.fn() };
  const socket = { start: vi.fn(), stop: vi.fn(), report: vi.fn() };
  const wires = {
    media: unset as (state: WhipState) => void,
    events: unset as (state: EventsState) => void,
    message: unset as (message: ServerMessage) => void,
  };
  const join = vi.fn<() => Promise<Admission>>(() =>
    Promise.resolve({ response: admission(), clockOffsetMs: 0 }),
  );
  const parts: Parts = {
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
    rememberConsent: vi.fn(),
    timers,
    random: () => 1,
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

  return { timers, page, camera, publisher, socket, wires, join, session: new Session(parts) };
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

const found = () =>
  all.socket.report.mock.calls.flatMap(([, violations]) => (violations as { type: string }[]).map(({ type }) => type));

it('asks for the camera only once the student is admitted', async () => {
  const { session, camera, join } = all;
  expect(camera.open).not.toHaveBeenCalled();
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
    all.session.dispatch({ type: 'started', resume: false });
    await settled();
    expect(all.session.getState().phase).toEqual({
      name: 'failed', code: 'ExamNotOpen', retryAt: all.timers.now() + 32_000,
    });
    all.timers.advance(32_000);
    await settled();
    expect(phase()).toBe('ready');
  });

  it('does not where it cannot', async () => {
    all.join.mockRejectedValueOnce(new ApiError('NotEnrolled', '', 403));
    all.session.dispatch({ type: 'started', resume: false });
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
