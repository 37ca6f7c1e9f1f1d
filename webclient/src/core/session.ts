// The page as a state machine: a pure function from (state, event) to the next
// state and what has to be done. docs/webclient.md draws it.
//
//   start -> notice -> joining -> preview -> ready -> connecting -> live <-> interrupted
//                      early <-'
//
// Every phase may end in finished or failed(code); failed may be retried.

import { entranceOf } from './check';
import { DETECTOR_OFF, type DetectorState } from './detector/detector';
import { PATH_UNKNOWN, type PathCheck } from './path-check';
import { CloseCode, type CountedViolation, type ExamInfo, type JoinResponse, type Notice } from './wire';

export type Phase =
  /** The notice is being asked for. */
  | { name: 'start' }
  | { name: 'notice' }
  | { name: 'joining' }
  /** The exam is not open yet; the page joins by itself at this time. */
  | { name: 'early'; until: number }
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

/** How far the student has come; each is asked for once in a tab. */
export type Remembered = 'consent' | 'entered';

export interface Message {
  id: number;
  text: string;
  warning: boolean;
}

export interface CameraChoice {
  id: string;
  label: string;
}

export interface State {
  phase: Phase;
  notice: Notice | null;
  /** The student has read the notice and agreed. */
  consented: boolean;
  admission: JoinResponse | null;
  exam: ExamInfo | null;
  /** The server's clock minus the page's. */
  clockOffsetMs: number;
  /** After a reload the student is led back in without further questions. */
  resume: boolean;
  media: boolean;
  events: boolean;
  camera: 'off' | 'on' | 'ended';
  /** What there is to choose from, and what is used. */
  cameras: CameraChoice[];
  chosenCamera: string | null;
  path: PathCheck;
  detector: DetectorState;
  paused: boolean;
  warning: Warning | null;
  warnings: number;
  /** From invigilators, until they are read; the oldest first. */
  messages: Message[];
  messaged: number;
}

export type SessionEvent =
  | { type: 'opened' }
  | { type: 'noticed'; notice: Notice; clockOffsetMs: number; spreadMs: number }
  | { type: 'noticeFailed'; code: string; retryAt: number | null }
  /** The student agrees; or has, before a reload (again), and was in the exam then (resume). */
  | { type: 'started'; resume: boolean; again?: boolean }
  | { type: 'joined'; admission: JoinResponse; clockOffsetMs: number }
  | { type: 'joinFailed'; code: string; retryAt: number | null; transient: boolean }
  | { type: 'cameraOn' }
  | { type: 'cameraFailed'; code: string }
  | { type: 'cameraEnded' }
  | { type: 'cameraWanted' }
  | { type: 'cameras'; cameras: CameraChoice[]; chosen: string | null }
  | { type: 'cameraChosen'; id: string }
  /** A camera was plugged in or out. */
  | { type: 'devicesChanged' }
  | { type: 'path'; path: PathCheck }
  | { type: 'pathWanted' }
  | { type: 'detector'; detector: DetectorState }
  | { type: 'entered' }
  | { type: 'media'; up: boolean; at: number }
  | { type: 'mediaFailed'; code: string }
  | { type: 'events'; up: boolean; at: number }
  | { type: 'eventsRefused'; closeCode: number }
  | { type: 'tokenRejected' }
  | { type: 'counted'; violation: CountedViolation }
  | { type: 'warningDismissed' }
  /** An invigilator has written. */
  | { type: 'messaged'; text: string; warning: boolean }
  | { type: 'messageRead'; id: number }
  | { type: 'serverState'; state: string }
  | { type: 'exam'; exam: ExamInfo; clockOffsetMs: number }
  | { type: 'timeOver' }
  | { type: 'retried' };

export type Effect =
  | { type: 'readNotice' }
  | { type: 'join' }
  /** Join again while the page goes on, at a time or a little later. */
  | { type: 'joinLater'; at: number | null }
  | { type: 'openCamera' }
  /** Open it again in a moment. */
  | { type: 'openCameraLater' }
  | { type: 'closeCamera' }
  | { type: 'chooseCamera'; id: string }
  | { type: 'checkPath' }
  /** Before anything is published: the check would be taken over, or take over. */
  | { type: 'stopPathCheck' }
  | { type: 'publish' }
  /** tell: whether the server has still to learn of it. */
  | { type: 'unpublish'; tell: boolean }
  | { type: 'openEvents' }
  | { type: 'closeEvents' }
  /** Leave the failed phase by itself at this time. */
  | { type: 'retryAt'; at: number }
  | { type: 'remember'; step: Remembered };

export interface Step {
  state: State;
  effects: Effect[];
}

export const initialState: State = {
  phase: { name: 'start' },
  notice: null,
  consented: false,
  admission: null,
  exam: null,
  clockOffsetMs: 0,
  resume: false,
  media: false,
  events: false,
  camera: 'off',
  cameras: [],
  chosenCamera: null,
  path: PATH_UNKNOWN,
  detector: DETECTOR_OFF,
  paused: false,
  warning: null,
  warnings: 0,
  messages: [],
  messaged: 0,
};

/** More unread messages than this would hide the exam. */
const MESSAGES = 3;

/** Phases in which the camera is published and signs are watched. */
export function inExam(state: State): boolean {
  const { name } = state.phase;

  return name === 'connecting' || name === 'live' || name === 'interrupted';
}

/** Where nothing is kept, the server takes no pictures. */
export function keepsEvidence(state: State): boolean {
  return state.notice?.evidence !== undefined;
}

export function serverNow(state: State, now: number): number {
  return now + state.clockOffsetMs;
}

/**
 * The quiz is opened in a tab of its own. Going there cannot be told from going
 * anywhere else, so the focus is not watched then.
 */
export function quizHasOwnTab(exam: ExamInfo | null): boolean {
  return exam?.contentPlacement === 'Tab' && (exam.contentURL ?? '') !== '';
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
    case 'opened':
      return to(state, { type: 'readNotice' });
    case 'noticed':
      return noticed(state, event);
    case 'noticeFailed':
      return noticeFailed(state, event);
    case 'started':
      return started(state, event);
    case 'joined':
      return joined(state, event);
    case 'joinFailed':
      return joinFailed(state, event);
    case 'cameraOn':
      return cameraOn(state);
    case 'cameraFailed':
      return cameraFailed(state, event.code);
    case 'cameras':
      return same({ ...state, cameras: event.cameras, chosenCamera: event.chosen });
    case 'cameraChosen':
      return state.phase.name === 'ready' || inExam(state)
        ? to({ ...state, chosenCamera: event.id }, { type: 'chooseCamera', id: event.id })
        : same(state);
    case 'devicesChanged':
      return devicesChanged(state);
    case 'path':
      return state.phase.name === 'ready' ? same({ ...state, path: event.path }) : same(state);
    case 'pathWanted':
      return state.phase.name === 'ready' && state.path.state !== 'running'
        ? to(state, { type: 'checkPath' })
        : same(state);
    case 'cameraEnded':
      return same({ ...state, camera: 'ended' });
    case 'cameraWanted':
      return inExam(state) ? to(state, { type: 'openCamera' }) : same(state);
    case 'detector':
      return same({ ...state, detector: event.detector });
    case 'entered':
      return state.phase.name === 'ready' && entranceOf(state) !== 'closed' ? enter(state) : same(state);
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
    case 'messaged': {
      const message: Message = { id: state.messaged + 1, text: event.text, warning: event.warning };

      return same({ ...state, messaged: message.id, messages: [...state.messages, message].slice(-MESSAGES) });
    }
    case 'messageRead':
      return same({ ...state, messages: state.messages.filter(({ id }) => id !== event.id) });
    case 'serverState':
      return serverState(state, event.state);
    case 'exam':
      return same({ ...state, exam: event.exam, clockOffsetMs: event.clockOffsetMs });
    case 'timeOver':
      return inExam(state) ? finish(state) : same(state);
    case 'retried':
      return retried(state);
  }
}

function noticed(state: State, event: Extract<SessionEvent, { type: 'noticed' }>): Step {
  const { notice, clockOffsetMs, spreadMs } = event;
  // What was told at the door is the truth only until the student is admitted.
  const known = state.admission === null ? { exam: notice.exam, clockOffsetMs } : {};
  const next: State = { ...state, notice, ...known };
  const { endsAt = 0, now } = notice.exam;
  if (state.phase.name === 'start') {
    return endsAt > 0 && now >= endsAt ? finish(next) : same({ ...next, phase: { name: 'notice' } });
  }
  const until = (notice.exam.opensAt ?? 0) - clockOffsetMs + spreadMs;
  if (state.phase.name === 'early' && until < state.phase.until) {
    // The exam opens sooner than it was said to.
    return to({ ...next, phase: { name: 'early', until } }, { type: 'retryAt', at: until });
  }

  return same(next);
}

function noticeFailed(state: State, event: Extract<SessionEvent, { type: 'noticeFailed' }>): Step {
  if (state.phase.name !== 'start') {
    return same(state);
  }

  return event.code === 'ExamFinished' ? finish(state) : fail(state, event.code, event.retryAt);
}

function started(state: State, event: Extract<SessionEvent, { type: 'started' }>): Step {
  const { resume, again = resume } = event;
  const { name } = state.phase;
  if (name !== 'notice' && !(name === 'start' && again)) {
    return same(state);
  }

  return to(
    { ...state, phase: { name: 'joining' }, consented: true, resume },
    { type: 'remember', step: 'consent' },
    { type: 'join' },
  );
}

function retried(state: State): Step {
  const { name } = state.phase;
  if (name !== 'failed' && name !== 'early') {
    return same(state);
  }
  const { notice, consented, resume, exam, clockOffsetMs, cameras, chosenCamera } = state;
  const again: State = { ...initialState, notice, consented, resume, exam, clockOffsetMs, cameras, chosenCamera };

  return consented
    ? to({ ...again, phase: { name: 'joining' } }, { type: 'join' })
    : to({ ...again, phase: { name: 'start' } }, { type: 'readNotice' });
}

/** A camera that was away may be back. */
function devicesChanged(state: State): Step {
  const { phase } = state;
  if (state.camera === 'ended' && (phase.name === 'ready' || inExam(state))) {
    return to(state, { type: 'openCamera' });
  }

  return phase.name === 'failed' && phase.code === 'CameraMissing' ? retried(state) : same(state);
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

  if (state.phase.name === 'joining' && event.code === 'ExamNotOpen' && event.retryAt !== null) {
    return to({ ...state, phase: { name: 'early', until: event.retryAt } }, { type: 'retryAt', at: event.retryAt });
  }

  return state.phase.name === 'joining' || inExam(state) ? fail(state, event.code, event.retryAt) : same(state);
}

function cameraOn(state: State): Step {
  const next: State = { ...state, camera: 'on' };
  if (state.phase.name === 'preview') {
    return state.resume ? enter(next) : to({ ...next, phase: { name: 'ready' } }, { type: 'checkPath' });
  }

  // A camera that came back: the same publication carries it on.
  return inExam(state) ? to(next, { type: 'publish' }) : same(next);
}

function cameraFailed(state: State, code: string): Step {
  if (!inExam(state)) {
    return fail(state, code, null);
  }
  // During the exam a camera that stays away is an interruption, not the end. One
  // that was plugged in a moment ago may still be starting; one that is forbidden
  // or missing needs somebody to act.
  const settles = code === 'CameraBusy' || code === 'CameraFailed';

  return to({ ...state, camera: 'ended' }, ...(settles ? [{ type: 'openCameraLater' as const }] : []));
}

function enter(state: State): Step {
  return to(
    { ...state, phase: { name: 'connecting' }, resume: true },
    { type: 'remember', step: 'entered' },
    ...(state.phase.name === 'ready' ? [{ type: 'stopPathCheck' as const }] : []),
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
    case CloseCode.Terminated:
      return fail(state, 'Terminated', null);
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
  if (state.phase.name === 'ready') {
    effects.push({ type: 'stopPathCheck' });
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
