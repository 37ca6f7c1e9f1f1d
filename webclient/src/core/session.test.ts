import { describe, expect, it } from 'vitest';

import { examRuns, initialState, step, type Effect, type Phase, type SessionEvent, type State } from './session';
import { admission, EXAM } from './testing';

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
const live = [started, joined, { type: 'cameraOn' }, { type: 'entered' }, up('media'), up('events')] as SessionEvent[];

const states: Record<Phase['name'], State> = {
  start: initialState,
  joining: after(started),
  preview: after(started, joined),
  ready: after(...live.slice(0, 3)),
  connecting: after(...live.slice(0, 4)),
  live: after(...live),
  interrupted: after(...live, down('media')),
  finished: after(...live, { type: 'timeOver' }),
  failed: after(started, joinFailed('NotEnrolled')),
};

const names = (effects: Effect[]) => effects.map(({ type }) => type);

it('the states of this test are what they are called', () => {
  for (const [name, state] of Object.entries(states)) {
    expect(state.phase.name).toBe(name);
  }
});

describe('transitions', () => {
  it.each<[Phase['name'], SessionEvent, Phase['name'], Effect['type'][]]>([
    ['start', started, 'joining', ['rememberConsent', 'join']],
    ['joining', started, 'joining', []],
    ['joining', joined, 'preview', ['openCamera']],
    ['joining', joinFailed('WrongExam'), 'failed', []],
    ['joining', joinFailed('Network', true, 5), 'failed', ['retryAt']],
    ['joining', joinFailed('ExamNotOpen', false, 5), 'failed', ['retryAt']],
    ['joining', joinFailed('ExamFinished'), 'finished', []],
    ['preview', { type: 'cameraOn' }, 'ready', []],
    ['preview', { type: 'cameraFailed', code: 'CameraDenied' }, 'failed', []],
    ['preview', { type: 'entered' }, 'preview', []],
    ['ready', { type: 'entered' }, 'connecting', ['publish', 'openEvents']],
    ['connecting', up('media'), 'connecting', []],
    ['connecting', up('events'), 'connecting', []],
    ['connecting', down('media'), 'connecting', []],
    ['live', down('media'), 'interrupted', []],
    ['live', down('events'), 'interrupted', []],
    ['live', { type: 'cameraEnded' }, 'live', []],
    ['live', { type: 'cameraWanted' }, 'live', ['openCamera']],
    ['live', { type: 'cameraOn' }, 'live', ['publish']],
    ['live', { type: 'cameraFailed', code: 'CameraBusy' }, 'live', []],
    ['live', { type: 'tokenRejected' }, 'live', ['joinLater']],
    ['live', joined, 'live', ['publish', 'openEvents']],
    ['live', joinFailed('Network', true, 5), 'live', ['joinLater']],
    ['live', joinFailed('NotEnrolled'), 'failed', ['unpublish', 'closeEvents', 'closeCamera']],
    ['live', { type: 'mediaFailed', code: 'TokenExpired' }, 'live', ['joinLater']],
    ['live', { type: 'mediaFailed', code: 'UnsupportedOffer' }, 'failed', ['unpublish', 'closeEvents', 'closeCamera']],
    ['live', { type: 'mediaFailed', code: 'ExamFinished' }, 'finished', ['unpublish', 'closeEvents', 'closeCamera']],
    ['live', { type: 'eventsRefused', closeCode: 4409 }, 'failed', ['unpublish', 'closeEvents', 'closeCamera']],
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
  const state = after({ type: 'started', resume: true }, joined);
  const result = step(state, { type: 'cameraOn' });
  expect(result.state.phase.name).toBe('connecting');
  expect(names(result.effects)).toEqual(['publish', 'openEvents']);
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
  const connecting = live.slice(0, 4);
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
