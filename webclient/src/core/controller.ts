// Runs the state machine: takes what happens, keeps the state, does the effects.

import { ApiError } from './api-error';
import { Backoff } from './backoff';
import { thresholdsFrom } from './detector/thresholds';
import type { EventsState } from './events';
import type { Admission } from './join';
import type { Events, FaceDetector, Parts, Publisher } from './parts';
import type { PathChecker } from './path-check';
import {
  examRuns,
  inExam,
  initialState,
  keepsEvidence,
  quizHasOwnTab,
  step,
  type Effect,
  type SessionEvent,
  type State,
} from './session';
import { Darkness, deltaOf, observationOf, Signs, type PageView } from './signs';
import type { ServerMessage } from './wire';
import type { WhipState } from './whip';

/** How often the page is looked at; a fraction of the shortest "must last". */
const LOOK_MS = 250;
/** The camera picture is read less often: it costs a canvas. */
const LUMINANCE_MS = 500;
/** After the end the server closes the socket; if it cannot, the page does. */
const END_GRACE_MS = 5_000;
/** Over how long pages that wait for the same moment spread. */
const SPREAD_MS = 2_000;
/** Browsers turn a timer of more than 24 days into one of 0. */
const LONGEST_WAIT_MS = 60 * 60 * 1_000;
/** How often a page that waits for the exam to open asks whether that has moved. */
const NOTICE_AGAIN_MS = 60_000;
/** From a camera that did not start to the next try. */
const CAMERA_AGAIN_MS = 3_000;
/**
 * The page was looked at so late that the device has slept, or the browser was
 * stopped: by then the SFU has given the stream up (docs/sfu.md, IceFailed).
 */
const SLEPT_MS = 8_000;

export class Session {
  private readonly parts: Parts;
  private readonly listeners = new Set<() => void>();
  private readonly joinBackoff: Backoff;
  private readonly publisher: Publisher;
  private readonly pathChecker: Pick<PathChecker, 'start' | 'stop'>;
  private readonly detector: FaceDetector;
  private current: State = initialState;
  private events: Events | null = null;
  private admission: Admission | null = null;
  private joining = false;
  private signs: Signs | null = null;
  private darkness = new Darkness();
  private luminance: number | null = null;
  private lookedAtPicture = 0;
  private reportedAt = 0;
  private lookTimer: number | null = null;
  private tickedAt = 0;
  private joinTimer: number | null = null;
  private unwatch: (() => void) | null = null;

  constructor(parts: Parts) {
    this.parts = parts;
    this.joinBackoff = new Backoff({ firstMs: 1_000, maxMs: 15_000, random: parts.random });
    this.publisher = parts.publisher((state) => {
      this.publisherChanged(state);
    });
    this.pathChecker = parts.pathChecker((path) => {
      this.dispatch({ type: 'path', path });
    });
    this.detector = parts.detector({
      onState: (detector) => {
        this.dispatch({ type: 'detector', detector });
      },
      onLook: () => {
        this.look();
      },
    });
    parts.camera.onEnded = () => {
      this.detector.stop();
      this.dispatch({ type: 'cameraEnded' });
    };
  }

  // Arrow functions: React calls these without their object.
  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);

    return () => this.listeners.delete(listener);
  };

  readonly getState = (): State => this.current;

  get stream(): MediaStream | null {
    return this.parts.camera.stream;
  }

  dispatch(event: SessionEvent): void {
    const { state, effects } = step(this.current, event);
    const changed = state !== this.current;
    this.current = state;
    for (const effect of effects) {
      this.run(effect);
    }
    this.watchPage();
    if (changed) {
      for (const listener of this.listeners) {
        listener();
      }
    }
  }

  /** Takes how the student sits from now on as the rest position. */
  recalibrate(): void {
    this.detector.recalibrate();
  }

  /** The network or the page is back: what waits for its turn takes it now. */
  woken(): void {
    const { phase } = this.current;
    if (inExam(this.current)) {
      this.publisher.hurry();
      this.events?.hurry();
      this.look();
    } else if (phase.name === 'failed' && phase.code === 'Network') {
      this.dispatch({ type: 'retried' });
    }
  }

  /** A camera was plugged in or out. */
  devicesChanged(): void {
    this.dispatch({ type: 'devicesChanged' });
    void this.listCameras();
  }

  /** The page goes away: end the stream now instead of letting it time out. */
  leave(): void {
    this.pathChecker.stop();
    this.publisher.stop();
    this.events?.stop();
    this.parts.evidence.stop();
    this.detector.stop();
    this.stopWatching();
  }

  private run(effect: Effect): void {
    const { camera, remember } = this.parts;
    switch (effect.type) {
      case 'remember':
        remember(effect.step);
        break;
      case 'readNotice':
        void this.readNotice();
        break;
      case 'join':
        void this.join();
        break;
      case 'joinLater':
        this.joinLater(effect.at);
        break;
      case 'retryAt':
        this.retryAt(effect.at);
        break;
      case 'openCamera':
        void this.openCamera();
        break;
      case 'openCameraLater':
        this.parts.timers.set(() => {
          if (this.current.camera === 'ended' && inExam(this.current)) {
            void this.openCamera();
          }
        }, CAMERA_AGAIN_MS);
        break;
      case 'chooseCamera':
        camera.choose(effect.id);
        void this.openCamera();
        break;
      case 'checkPath':
        this.checkPath();
        break;
      case 'stopPathCheck':
        this.pathChecker.stop();
        break;
      case 'closeCamera':
        this.detector.stop();
        camera.close();
        break;
      case 'publish':
        this.publish();
        break;
      case 'unpublish':
        this.publisher.stop(effect.tell);
        break;
      case 'openEvents':
        this.openEvents();
        break;
      case 'closeEvents':
        this.events?.stop();
        this.events = null;
        this.parts.evidence.stop();
        break;
    }
  }

  private async readNotice(): Promise<void> {
    try {
      const { notice, clockOffsetMs } = await this.parts.notice();
      this.joinBackoff.reset();
      this.dispatch({ type: 'noticed', notice, clockOffsetMs, spreadMs: this.parts.random() * SPREAD_MS });
    } catch (cause) {
      const error = cause instanceof ApiError ? cause : new ApiError('Internal', String(cause));
      this.dispatch({ type: 'noticeFailed', code: error.code, retryAt: this.nextTry(error) });
    }
  }

  private checkPath(): void {
    if (this.admission !== null) {
      const { token, iceServers } = this.admission.response;
      this.pathChecker.start(token, iceServers ?? []);
    }
  }

  private async listCameras(): Promise<void> {
    const { cameras, chosen } = await this.parts.camera.list();
    this.dispatch({ type: 'cameras', cameras, chosen });
  }

  private async join(): Promise<void> {
    if (this.joining) {
      return;
    }
    this.joining = true;
    let event: SessionEvent;
    try {
      this.admission = await this.parts.join();
      this.joinBackoff.reset();
      const { response, clockOffsetMs } = this.admission;
      event = { type: 'joined', admission: response, clockOffsetMs };
    } catch (cause) {
      const error = cause instanceof ApiError ? cause : new ApiError('Internal', String(cause));
      event = {
        type: 'joinFailed',
        code: error.code,
        retryAt: this.nextTry(error),
        transient: error.transient,
      };
    } finally {
      this.joining = false;
    }
    this.dispatch(event);
  }

  /** When the page asks again by itself: where waiting alone can help. */
  private nextTry(error: ApiError): number | null {
    if (error.code !== 'ExamNotOpen' && !error.transient) {
      return null;
    }
    const { random, timers } = this.parts;
    // All who wait for the same opening are told the same second.
    const spread = random() * SPREAD_MS;

    return timers.now() + this.joinBackoff.next(error.retryAfterMs) + spread;
  }

  private joinLater(at: number | null): void {
    const { timers } = this.parts;
    const wait = at === null ? this.joinBackoff.next() : Math.max(at - timers.now(), 0);
    this.joinTimer ??= timers.set(() => {
      this.joinTimer = null;
      if (inExam(this.current)) {
        void this.join();
      }
    }, wait);
  }

  private retryAt(at: number): void {
    const { phase } = this.current;
    const { timers } = this.parts;
    const wait = Math.min(Math.max(at - timers.now(), 0), LONGEST_WAIT_MS);
    if (phase.name === 'early' && wait > NOTICE_AGAIN_MS) {
      timers.set(() => {
        if (this.current.phase === phase) {
          void this.readNotice();
          this.retryAt(at);
        }
      }, NOTICE_AGAIN_MS);

      return;
    }
    timers.set(() => {
      if (this.current.phase === phase) {
        this.dispatch({ type: 'retried' });
      }
    }, wait);
  }

  private async openCamera(): Promise<void> {
    let event: SessionEvent;
    try {
      await this.parts.camera.open();
      event = { type: 'cameraOn' };
    } catch (cause) {
      event = { type: 'cameraFailed', code: cause instanceof ApiError ? cause.code : 'CameraFailed' };
    }
    this.dispatch(event);
    // The student may have left while the browser was asking.
    if (this.current.phase.name === 'failed' || this.current.phase.name === 'finished') {
      this.parts.camera.close();
    } else if (event.type === 'cameraOn') {
      this.detect();
      await this.listCameras();
    }
  }

  /** From the camera check on, so that the rest position is known when it counts. */
  private detect(): void {
    const track = this.stream?.getVideoTracks()[0];
    if (track !== undefined && this.admission !== null) {
      const { thresholds, faceModel } = this.admission.response.policy;
      this.detector.start(track, { thresholds: thresholdsFrom(thresholds), taskModel: faceModel ?? null });
    }
  }

  private publish(): void {
    const track = this.stream?.getVideoTracks()[0];
    if (track !== undefined && this.admission !== null) {
      const { token, iceServers } = this.admission.response;
      this.publisher.start(track, token, iceServers ?? []);
    }
  }

  private openEvents(): void {
    const { admission } = this;
    if (admission === null) {
      return;
    }
    const { policy, token } = admission.response;
    if (this.signs === null) {
      this.signs = new Signs(policy.violations);
    } else {
      this.signs.setRules(policy.violations);
    }
    this.events ??= this.parts.events(
      admission,
      (state) => {
        this.eventsChanged(state);
      },
      (message) => {
        this.received(message);
      },
    );
    this.events.start(token);
    this.parts.evidence.start(token);
  }

  private publisherChanged(state: WhipState): void {
    if (state.name === 'failed') {
      this.dispatch({ type: 'mediaFailed', code: state.code });
    } else {
      this.dispatch({ type: 'media', up: state.name === 'connected', at: this.parts.timers.now() });
    }
    this.look();
  }

  private eventsChanged(state: EventsState): void {
    switch (state.name) {
      case 'refused':
        this.dispatch({ type: 'eventsRefused', closeCode: state.closeCode });
        break;
      case 'unauthenticated':
        this.dispatch({ type: 'tokenRejected' });
        break;
      default:
        this.dispatch({ type: 'events', up: state.name === 'open', at: this.parts.timers.now() });
        break;
    }
  }

  private received(message: ServerMessage): void {
    const { exam, media, state, text, type, violation, warning = false } = message;
    if (type === 'message' && text !== undefined) {
      this.dispatch({ type: 'messaged', text, warning });
    }
    if (type === 'move') {
      this.publisher.move();
    }
    if (exam !== undefined) {
      this.dispatch({ type: 'exam', exam, clockOffsetMs: exam.now - this.parts.timers.now() });
    }
    if (state !== undefined && state !== '') {
      this.dispatch({ type: 'serverState', state });
    }
    if (violation !== undefined) {
      this.dispatch({ type: 'counted', violation });
      if (keepsEvidence(this.current)) {
        void this.parts.evidence.counted(violation);
      }
    }
    if (media !== undefined) {
      this.publisher.want(media);
    }
  }

  /** Looks at the page exactly while the student is in the exam. */
  private watchPage(): void {
    if (!inExam(this.current)) {
      this.stopWatching();
    } else if (this.lookTimer === null) {
      this.unwatch = this.parts.page.watch(() => {
        this.look();
      });
      this.tickedAt = this.parts.timers.now();
      this.scheduleLook();
    }
  }

  private scheduleLook(): void {
    this.lookTimer = this.parts.timers.set(() => {
      this.scheduleLook();
      this.tick();
      this.look();
    }, LOOK_MS);
  }

  private tick(): void {
    const now = this.parts.timers.now();
    const late = now - this.tickedAt;
    this.tickedAt = now;
    if (late >= SLEPT_MS) {
      // Nobody saw whether a sign went on meanwhile.
      this.signs?.interrupt();
      this.publisher.reconnect();
      this.events?.reconnect();
    }
  }

  private stopWatching(): void {
    if (this.lookTimer !== null) {
      this.parts.timers.clear(this.lookTimer);
      this.lookTimer = null;
    }
    this.unwatch?.();
    this.unwatch = null;
  }

  private look(): void {
    const { events, signs, admission, current } = this;
    if (!inExam(current) || events === null || signs === null || admission === null) {
      return;
    }
    const now = this.parts.timers.now();
    const view = this.view(now);
    let found: ReturnType<Signs['observe']> = [];
    if (examRuns(current, now)) {
      found = signs.observe(now, { ...this.detector.observation(now), ...observationOf(view, this.darkness, quizHasOwnTab(current.exam)) });
    } else {
      signs.interrupt();
    }
    const due = now - this.reportedAt >= admission.response.policy.reportIntervalMs;
    if (due || found.length > 0) {
      this.reportedAt = now;
      events.report(deltaOf(view, current.media), found);
      if (keepsEvidence(this.current)) {
        this.parts.evidence.noticed(found, () => this.detector.picture());
      }
    }
    this.checkEnd(now);
  }

  private view(now: number): PageView {
    const { camera, page } = this.parts;
    const detected = this.detector.luminance(now);
    if (detected !== null) {
      this.luminance = detected;
    } else if (now - this.lookedAtPicture >= LUMINANCE_MS) {
      this.lookedAtPicture = now;
      // A hidden page may get no fresh pictures; the server sees the stream itself.
      this.luminance = page.visible() ? camera.luminance() : null;
    }

    return {
      visible: page.visible(),
      focused: page.focused(),
      cameraMuted: camera.muted(),
      luminance: this.luminance,
    };
  }

  private checkEnd(now: number): void {
    const { exam, clockOffsetMs } = this.current;
    const endsAt = exam?.endsAt ?? 0;
    if (endsAt > 0 && now + clockOffsetMs >= endsAt + END_GRACE_MS) {
      this.dispatch({ type: 'timeOver' });
    }
  }
}
