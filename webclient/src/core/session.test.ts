import { describe, expect, it } from 'vitest';

import { examRuns, initialState, step, type Effect, type Phase, type SessionEvent, type State } from './session';
import { PATH_UNKNOWN } from './path-check';
import { admission, EXAM, notice } from './testing';

const joined: SessionEvent = { type: 'joined', admission: admission(), clockOffsetMs: 7 };
const up = (type: 'media' | 'events'): SessionEvent => ({ type, up: true, at: 1 });
const down = (type: 'media' | 'events'): SessionEvent => ({ type, up: false, at: 9 });
const joinFailed = (code: string, transient = false, retryAt: number | null = null): SessionEvent => ({
  type: 'joinFailed', code, transient, retryAt,
});

function after(...events: SessionEvent[]): State {
  return events.reduce((state, event) => step(state, event).state, initialState);
}

const started: SessionEvent = { type: 'started', resume: false };
const noticed = (opensAt = 0): SessionEvent => ({ type: 'noticed', notice: notice({ opensAt }), clockOffsetMs: 0, spreadMs: 0 });
const atNotice = after({ type: 'opened' }, noticed());
const early = step(step(atNotice, started).state, joinFailed('ExamNotOpen', false, 500)).state;
const live = [noticed(), started, joined, { type: 'cameraOn' }, { type: 'entered' }, up('media'), up('events')] as SessionEvent[];

const states: Record<Phase['name'], State> = {
  start: initialState,
  notice: atNotice,
  joining: after(...live.slice(0, 2)),
  early,
  preview: after(...live.slice(0, 3)),
  ready: after(...live.slice(0, 4)),
  connecting: after(...live.slice(0, 5)),
  live: after(...live),
  interrupted: after(...live, down('media')),
  finished: after(...live, { type: 'timeOver' }),
  failed: after(noticed(), started, joinFailed('NotEnrolled')),
};

const names = (effects: Effect[]) => effects.map(({ type }) => type);

it('the states of this test are what they are called', () => {
  for (const [name, state] of Object.entries(states)) {
    expect(state.phase.name).toBe(name);
  }
});

describe('transitions', () => {
  it.each<[Phase['name'], SessionEvent, Phase['name'], Effect['type'][]]>([
    ['start', { type: 'opened' }, 'start', ['readNotice']],
    ['start', noticed(), 'notice', []],
    ['start', { type: 'noticed', notice: notice({ endsAt: 5, now: 5 }), clockOffsetMs: 0, spreadMs: 0 }, 'finished', []],
    ['start', { type: 'noticeFailed', code: 'NotEnrolled', retryAt: null }, 'failed', []],
    ['start', { type: 'noticeFailed', code: 'ExamFinished', retryAt: null }, 'finished', []],
    ['joining', { type: 'noticeFailed', code: 'Network', retryAt: 5 }, 'joining', []],
    ['start', { type: 'noticeFailed', code: 'Network', retryAt: 5 }, 'failed', ['retryAt']],
    ['start', started, 'start', []],
    ['start', { type: 'started', resume: true }, 'joining', ['remember', 'join']],
    ['notice', started, 'joining', ['remember', 'join']],
    ['early', { type: 'retried' }, 'joining', ['join']],
    ['early', noticed(400), 'early', ['retryAt']],
    ['early', noticed(600), 'early', []],
    ['joining', started, 'joining', []],
    ['joining', joined, 'preview', ['openCamera']],
    ['joining', joinFailed('WrongExam'), 'failed', []],
    ['joining', joinFailed('Network', true, 5), 'failed', ['retryAt']],
    ['joining', joinFailed('ExamNotOpen', false, 5), 'early', ['retryAt']],
    ['joining', joinFailed('ExamFinished'), 'finished', []],
    ['preview', { type: 'cameraOn' }, 'ready', ['checkPath']],
    ['preview', { type: 'cameraFailed', code: 'CameraDenied' }, 'failed', []],
    ['preview', { type: 'entered' }, 'preview', []],
    ['ready', { type: 'entered' }, 'connecting', ['remember', 'stopPathCheck', 'publish', 'openEvents']],
    ['ready', { type: 'pathWanted' }, 'ready', ['checkPath']],
    ['ready', { type: 'cameraChosen', id: 'c2' }, 'ready', ['chooseCamera']],
    ['ready', { type: 'cameraFailed', code: 'CameraBusy' }, 'failed', ['stopPathCheck', 'closeCamera']],
    ['ready', { type: 'devicesChanged' }, 'ready', []],
    ['connecting', up('media'), 'connecting', []],
    ['connecting', up('events'), 'connecting', []],
    ['connecting', down('media'), 'connecting', []],
    ['live', down('media'), 'interrupted', []],
    ['live', down('events'), 'interrupted', []],
    ['live', { type: 'cameraEnded' }, 'live', []],
    ['live', { type: 'cameraWanted' }, 'live', ['openCamera']],
    ['live', { type: 'cameraOn' }, 'live', ['publish']],
    ['live', { type: 'cameraFailed', code: 'CameraBusy' }, 'live', ['openCameraLater']],
    ['live', { type: 'cameraFailed', code: 'CameraMissing' }, 'live', []],
    ['live', { type: 'tokenRejected' }, 'live', ['joinLater']],
    ['live', joined, 'live', ['publish', 'openEvents']],
    ['live', joinFailed('Network', true, 5), 'live', ['joinLater']],
    ['live', joinFailed('NotEnrolled'), 'failed', ['unpublish', 'closeEvents', 'closeCamera']],
    ['live', { type: 'mediaFailed', code: 'TokenExpired' }, 'live', ['joinLater']],
    ['live', { type: 'mediaFailed', code: 'UnsupportedOffer' }, 'failed', ['unpublish', 'closeEvents', 'closeCamera']],
    ['live', { type: 'mediaFailed', code: 'ExamFinished' }, 'finished', ['unpublish', 'closeEvents', 'closeCamera']],
    ['live', { type: 'eventsRefused', closeCode: 4409 }, 'failed', ['unpublish', 'closeEvents', 'closeCamera']],
    ['live', { type: 'eventsRefused', closeCode: 4411 }, 'failed', ['unpublish', 'closeEvents', 'closeCamera']],
    ['live', { type: 'eventsRefused', closeCode: 4410 }, 'finished', ['unpublish', 'closeEvents', 'closeCamera']],
    ['live', { type: 'serverState', state: 'Finished' }, 'finished', ['unpublish', 'closeEvents', 'closeCamera']],
    ['live', { type: 'serverState', state: 'Terminated' }, 'failed', ['unpublish', 'closeEvents', 'closeCamera']],
    ['live', { type: 'serverState', state: 'Interrupted' }, 'live', []],
    ['live', { type: 'timeOver' }, 'finished', ['unpublish', 'closeEvents', 'closeCamera']],
    ['interrupted', up('media'), 'live', []],
    ['interrupted', down('events'), 'interrupted', []],
    ['failed', { type: 'retried' }, 'joining', ['join']],
    ['failed', up('media'), 'failed', []],
    ['finished', joined, 'finished', []],
    ['finished', { type: 'retried' }, 'finished', []],
    ['finished', { type: 'eventsRefused', closeCode: 4409 }, 'finished', []],
  ])('%s: %j -> %s', (from, event, to, effects) => {
    const result = step(states[from], event);
    expect(result.state.phase.name).toBe(to);
    expect(names(result.effects)).toEqual(effects);
  });
});

it('a reload goes through the camera check without a question', () => {
  const state = after({ type: 'opened' }, { type: 'started', resume: true }, noticed(), joined);
  const result = step(state, { type: 'cameraOn' });
  expect(result.state.phase.name).toBe('connecting');
  expect(names(result.effects)).toEqual(['remember', 'publish', 'openEvents']);
});

it('a reload before the exam was entered skips the notice, and not the camera check', () => {
  const state = after({ type: 'opened' }, { type: 'started', resume: false, again: true }, noticed(), joined, { type: 'cameraOn' });
  expect(state.phase.name).toBe('ready');
});

it('the tab that lost its session does not end the stream of the one that has it', () => {
  const replaced = step(states.live, { type: 'eventsRefused', closeCode: 4409 });
  expect(replaced.state.phase).toMatchObject({ code: 'SessionReplaced' });
  expect(replaced.effects).toContainEqual({ type: 'unpublish', tell: false });
  const failed = step(states.live, { type: 'mediaFailed', code: 'UnsupportedOffer' });
  expect(failed.effects).toContainEqual({ type: 'unpublish', tell: true });
});

it('coming back from "continues elsewhere" leads straight into the exam', () => {
  const back = [{ type: 'eventsRefused', closeCode: 4409 }, { type: 'retried' }, joined, { type: 'cameraOn' }] as SessionEvent[];
  expect(after(...live, ...back).phase.name).toBe('connecting');
});

it('live needs both connections, whichever comes first', () => {
  const connecting = live.slice(0, 5);
  expect(after(...connecting, up('events'), up('media')).phase.name).toBe('live');
  expect(after(...live, down('media'), down('events'), up('media')).phase.name).toBe('interrupted');
});

it('remembers when an interruption began', () => {
  expect(after(...live, down('media'), { type: 'events', up: false, at: 50 }).phase).toEqual({ name: 'interrupted', since: 9 });
});

it('shows the latest counted violation until it is read, and counts all', () => {
  const counted = (at: number): SessionEvent => ({ type: 'counted', violation: { type: 'FocusLost', severity: 'medium', at } });
  const state = after(...live, counted(1), counted(2));
  expect(state).toMatchObject({ warnings: 2, warning: { at: 2, id: 2 } });
  expect(step(state, { type: 'warningDismissed' }).state).toMatchObject({ warnings: 2, warning: null });
});

describe('the exam runs', () => {
  const within = (exam: object, change: Partial<State> = {}): State => ({ ...states.live, ...change, exam: { ...EXAM, ...exam } });

  it.each<[string, State, boolean]>([
    ['without dates', within({}), true],
    ['between them', within({ startsAt: 900, endsAt: 1_100 }, { clockOffsetMs: 0 }), true],
    ['not before the start', within({ startsAt: 1_001 }, { clockOffsetMs: 0 }), false],
    ['not after the end', within({ endsAt: 1_000 }, { clockOffsetMs: 0 }), false],
    ['by the server\'s clock', within({ startsAt: 1_500 }, { clockOffsetMs: 500 }), true],
    ['not while paused', within({}, { paused: true }), false],
    ['not before entering', { ...within({}), phase: { name: 'ready' } }, false],
    ['through interruptions', { ...within({}), phase: { name: 'interrupted', since: 0 } }, true],
  ])('%s', (_name, state, want) => {
    expect(examRuns(state, 1_000)).toBe(want);
  });
});

it('a link that fails at the notice is asked about again, and joins nothing', () => {
  const failed = after({ type: 'noticeFailed', code: 'Network', retryAt: 5 });
  const result = step(failed, { type: 'retried' });
  expect(result.state.phase.name).toBe('start');
  expect(names(result.effects)).toEqual(['readNotice']);
});

it('what the notice said of the exam does not replace what joining has said', () => {
  const state = after(...live, { type: 'exam', exam: { ...EXAM, title: 'Moved' }, clockOffsetMs: 3 }, noticed());
  expect(state).toMatchObject({ exam: { title: 'Moved' }, clockOffsetMs: 3 });
});

it('no way to the server closes the door; everything else leaves it open', () => {
  const path = { ...PATH_UNKNOWN, state: 'done' as const };
  const at = (legs: object) => ({ ...states.ready, path: { ...path, legs: { ...path.legs, ...legs } } });
  const enters = (state: State) => step(state, { type: 'entered' }).state.phase.name;
  expect(enters(at({ udp: 'failed', tcp: 'failed', turn: 'notOffered' }))).toBe('ready');
  expect(enters(at({ udp: 'failed', tcp: 'ok', turn: 'notOffered' }))).toBe('connecting');
  expect(enters(at({}))).toBe('connecting');
});
