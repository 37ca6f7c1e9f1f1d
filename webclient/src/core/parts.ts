// What the controller drives. The parts come from outside, so that it is tested
// without a browser.

import type { Detector, DetectorState } from './detector/detector';
import type { EventSocket, EventsState } from './events';
import type { EvidenceUploader } from './evidence';
import type { Admission } from './join';
import type { Told } from './notice';
import type { PathCheck, PathChecker } from './path-check';
import type { CameraChoice, Remembered } from './session';
import type { Timers } from './timers';
import type { ServerMessage } from './wire';
import type { WhipPublisher, WhipState } from './whip';

/** The camera as the controller needs it; dom/camera.ts is the real one. */
export interface Camera {
  open(): Promise<MediaStream>;
  close(): void;
  readonly stream: MediaStream | null;
  muted(): boolean;
  /** Mean luma of the present picture, or null when there is no fresh one. */
  luminance(): number | null;
  onEnded: () => void;
  /** Which cameras there are, and which one is used; named only once one was opened. */
  list(): Promise<{ cameras: CameraChoice[]; chosen: string | null }>;
  /** Used from the next open() on. */
  choose(id: string): void;
}

export type Publisher = Pick<WhipPublisher, 'start' | 'stop' | 'want' | 'move' | 'hurry' | 'reconnect'>;
export type Events = Pick<EventSocket, 'start' | 'stop' | 'report' | 'hurry' | 'reconnect'>;

export interface PageWatch {
  visible(): boolean;
  focused(): boolean;
  /** Called when either may have changed; returns how to end it. */
  watch(changed: () => void): () => void;
}

/** The face detector as the controller needs it; detector/detector.ts is the real one. */
export type FaceDetector = Pick<Detector, 'start' | 'stop' | 'observation' | 'luminance' | 'picture' | 'recalibrate'>;

export interface Parts {
  notice: () => Promise<Told>;
  join: () => Promise<Admission>;
  camera: Camera;
  page: PageWatch;
  /** For a reload of this tab. */
  remember: (step: Remembered) => void;
  timers: Timers;
  random: () => number;
  detector: (callbacks: { onState: (state: DetectorState) => void; onLook: () => void }) => FaceDetector;
  evidence: Pick<EvidenceUploader, 'start' | 'stop' | 'noticed' | 'counted'>;
  pathChecker: (onChange: (check: PathCheck) => void) => Pick<PathChecker, 'start' | 'stop'>;
  publisher: (onState: (state: WhipState) => void) => Publisher;
  events: (
    admission: Admission,
    onState: (state: EventsState) => void,
    onMessage: (message: ServerMessage) => void,
  ) => Events;
}
