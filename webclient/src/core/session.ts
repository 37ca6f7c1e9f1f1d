// The page as a state machine: a pure function from (state, event) to the next
// state and what has to be done. docs/webclient.md draws it.
//
//   start -> joining -> preview -> ready -> connecting -> live <-> interrupted
//
// Every phase may end in finished or failed(code); failed may be retried.

import { CloseCode, type CountedViolation, type ExamInfo, type JoinResponse } from './wire';

export type Phase =
  | { name: 'start' }
  | { name: 'joining' }
  /** Admitted; the browser asks for the camera. */
  | { name: 'preview' }
  /** The student sees their picture and has not entered yet. */
  | { name: 'ready' }
  | { name: 'connecting' }
  | { name: 'live' }
  | { name: 'interrupted'; since: number }
  | { name: 'finished' }
  | { name: 'failed'; code: string; retryAt: number | null };

export interface Warning extends CountedViolation {
  id: number;
}

export interface State {
  phase: Phase;
  admission: JoinResponse | null;
  exam: ExamInfo | null;
  /** The server's clock minus the page's. */
  clockOffsetMs: number;
  /** After a reload the student is led back in without further questions. */
  resume: boolean;
  media: boolean;
  events: boolean;
  camera: 'off' | 'on' | 'ended';
  paused: boolean;
  warning: Warning | null;
  warnings: number;
}

export type SessionEvent =
  | { type: 'started'; resume: boolean }
  | { type: 'joined'; admission: JoinResponse; clockOffsetMs: number }
  | { type: 'joinFailed'; code: string; retryAt: number | null; transient: boolean }
  | { type: 'cameraOn' }
  | { type: 'cameraFailed'; code: string }
  | { type: 'cameraEnded' }
  | { type: 'cameraWanted' }
  | { type: 'entered' }
  | { type: 'media'; up: boolean; at: number }
  | { type: 'mediaFailed'; code: string }
  | { type: 'events'; up: boolean; at: number }
  | { type: 'eventsRefused'; closeCode: number }
  | { type: 'tokenRejected' }
  | { type: 'counted'; violation: CountedViolation }
  | { type: 'warningDismissed' }
  | { type: 'serverState'; state: string }
  | { type: 'exam'; exam: ExamInfo; clockOffsetMs: number }
  | { type: 'timeOver' }
  | { type: 'retried' };

export type Effect =
  | { type: 'join' }
  /** Join again while the page goes on, at a time or a little later. */
  | { type: 'joinLater'; at: number | null }
  | { type: 'openCamera' }
  | { type: 'closeCamera' }
  | { type: 'publish' }
  /** tell: whether the server has still to learn of it. */
  | { type: 'unpublish'; tell: boolean }
  | { type: 'openEvents' }
  | { type: 'closeEvents' }
  /** Leave the failed phase by itself at this time. */
  | { type: 'retryAt'; at: number }
  | { type: 'rememberConsent' };

export interface Step {
  state: State;
  effects: Effect[];
}

export const initialState: State = {
  phase: { name: 'start' },
  admission: null,
  exam: null,
  clockOffsetMs: 0,
  resume: false,
  media: false,
  events: false,
  camera: 'off',
  paused: false,
  warning: null,
  warnings: 0,
};

/** Phases in which the camera is published and signs are watched. */
export function inExam(state: State): boolean {
  const { name } = state.phase;

  return name === 'connecting' || name === 'live' || name === 'interrupted';
}

export function serverNow(state: State, now: number): number {
  return now + state.clockOffsetMs;
}

/** Signs mean something only while the exam is being written. */
export function examRuns(state: State, now: number): boolean {
  const { exam } = state;
  const at = serverNow(state, now);

  return (
    inExam(state) &&
    !state.paused &&
    exam !== null &&
    at >= (exam.startsAt ?? 0) &&
    (exam.endsAt === undefined || exam.endsAt === 0 || at < exam.endsAt)
  );
}

export function step(state: State, event: SessionEvent): Step {
  // An exam that is over stays over, whatever arrives late.
  if (state.phase.name === 'finished') {
    return same(state);
  }
  switch (event.type) {
    case 'started':
      return state.phase.name === 'start'
        ? to({ ...state, phase: { name: 'joining' }, resume: event.resume }, { type: 'rememberConsent' }, { type: 'join' })
        : same(state);
    case 'joined':
      return joined(state, event);
    case 'joinFailed':
      return joinFailed(state, event);
    case 'cameraOn':
      return cameraOn(state);
    case 'cameraFailed':
      // During the exam a camera that stays away is an interruption, not the end.
      return inExam(state) ? same({ ...state, camera: 'ended' }) : fail(state, event.code, null);
    case 'cameraEnded':
      return same({ ...state, camera: 'ended' });
    case 'cameraWanted':
      return inExam(state) ? to(state, { type: 'openCamera' }) : same(state);
    case 'entered':
      return state.phase.name === 'ready' ? enter(state) : same(state);
    case 'media':
      return inExam(state) ? same(linked({ ...state, media: event.up }, event.at)) : same(state);
    case 'events':
      return inExam(state) ? same(linked({ ...state, events: event.up }, event.at)) : same(state);
    case 'mediaFailed':
      return mediaFailed(state, event.code);
    case 'eventsRefused':
      return inExam(state) ? refused(state, event.closeCode) : same(state);
    case 'tokenRejected':
      return inExam(state) ? to(state, { type: 'joinLater', at: null }) : same(state);
    case 'counted':
      return same({
        ...state,
        warnings: state.warnings + 1,
        warning: { ...event.violation, id: state.warnings + 1 },
      });
    case 'warningDismissed':
      return same({ ...state, warning: null });
    case 'serverState':
      return serverState(state, event.state);
    case 'exam':
      return same({ ...state, exam: event.exam, clockOffsetMs: event.clockOffsetMs });
    case 'timeOver':
      return inExam(state) ? finish(state) : same(state);
    case 'retried':
      return state.phase.name === 'failed'
        ? to({ ...initialState, phase: { name: 'joining' }, resume: state.resume }, { type: 'join' })
        : same(state);
  }
}

function joined(state: State, event: Extract<SessionEvent, { type: 'joined' }>): Step {
  const { admission, clockOffsetMs } = event;
  const next: State = { ...state, admission, exam: admission.exam, clockOffsetMs };
  if (state.phase.name === 'joining') {
    return to({ ...next, phase: { name: 'preview' } }, { type: 'openCamera' });
  }

  // A new token for an exam that goes on.
  return inExam(state) ? to(next, { type: 'publish' }, { type: 'openEvents' }) : same(state);
}

function joinFailed(state: State, event: Extract<SessionEvent, { type: 'joinFailed' }>): Step {
  if (event.code === 'ExamFinished') {
    return finish(state);
  }
  if (inExam(state) && event.transient) {
    return to(state, { type: 'joinLater', at: event.retryAt });
  }

  return state.phase.name === 'joining' || inExam(state) ? fail(state, event.code, event.retryAt) : same(state);
}

function cameraOn(state: State): Step {
  const next: State = { ...state, camera: 'on' };
  if (state.phase.name === 'preview') {
    return state.resume ? enter(next) : same({ ...next, phase: { name: 'ready' } });
  }

  // A camera that came back: the same publication carries it on.
  return inExam(state) ? to(next, { type: 'publish' }) : same(next);
}

function enter(state: State): Step {
  return to(
    { ...state, phase: { name: 'connecting' }, resume: true },
    { type: 'publish' },
    { type: 'openEvents' },
  );
}

/** live needs both; "connecting" is left only by getting there. */
function linked(state: State, at: number): State {
  if (state.media && state.events) {
    return { ...state, phase: { name: 'live' } };
  }

  return state.phase.name === 'live' ? { ...state, phase: { name: 'interrupted', since: at } } : state;
}

function mediaFailed(state: State, code: string): Step {
  if (!inExam(state)) {
    return same(state);
  }
  switch (code) {
    case 'ExamFinished':
      return finish(state);
    case 'Unauthenticated':
    case 'TokenExpired':
      return to(state, { type: 'joinLater', at: null });
    default:
      return fail(state, code, null);
  }
}

function refused(state: State, closeCode: number): Step {
  switch (closeCode) {
    case CloseCode.ExamFinished:
      return finish(state);
    case CloseCode.SessionReplaced:
      return fail(state, 'SessionReplaced', null);
    case CloseCode.NotEnrolled:
      return fail(state, 'NotEnrolled', null);
    default:
      return fail(state, 'UnknownMessage', null);
  }
}

function serverState(state: State, name: string): Step {
  switch (name) {
    case 'Finished':
      return finish(state);
    case 'Terminated':
      return fail(state, 'Terminated', null);
    default:
      return same({ ...state, paused: name === 'Paused' });
  }
}

function finish(state: State): Step {
  // After the end the server takes no DELETE either; closing the connection ends the stream.
  return to({ ...state, phase: { name: 'finished' }, warning: null }, ...leave(state, false));
}

/** Codes after which the server has already ended this page's stream. */
const ENDED_BY_SERVER = new Set(['SessionReplaced', 'NotEnrolled', 'Terminated']);

function fail(state: State, code: string, retryAt: number | null): Step {
  return to(
    { ...state, phase: { name: 'failed', code, retryAt }, warning: null },
    ...leave(state, !ENDED_BY_SERVER.has(code)),
    ...(retryAt === null ? [] : [{ type: 'retryAt' as const, at: retryAt }]),
  );
}

function leave(state: State, tell: boolean): Effect[] {
  const effects: Effect[] = [];
  if (inExam(state)) {
    effects.push({ type: 'unpublish', tell }, { type: 'closeEvents' });
  }
  if (state.camera !== 'off') {
    effects.push({ type: 'closeCamera' });
  }

  return effects;
}

function same(state: State): Step {
  return { state, effects: [] };
}

function to(state: State, ...effects: Effect[]): Step {
  return { state, effects };
}
