// The messages of docs/protocol.md as the page sees them: the TypeScript side of
// the Go package internal/wire. Times are milliseconds since the Unix epoch.

export const SUBPROTOCOL = 'invigil.events.v1';
export const BEARER_SUBPROTOCOL = 'bearer.';
export const VIEW_SUBPROTOCOL = 'invigil.view.v1';

export const SERVER_ERROR_CODES = [
  'BadRequest',
  'TooLarge',
  'UnsupportedMediaType',
  'Unauthenticated',
  'TokenExpired',
  'Forbidden',
  'WrongExam',
  'NotEnrolled',
  'ExamNotOpen',
  'ExamFinished',
  'SessionReplaced',
  'NotFound',
  'MethodNotAllowed',
  'Conflict',
  'PreconditionFailed',
  'NoShardAvailable',
  'NotReady',
  'ShardUnreachable',
  'TooManySessions',
  'Internal',
  'UnknownMessage',
  'UnknownViolation',
  'RateLimited',
  'UnsupportedOffer',
  'VersionNotOffered',
  'Draining',
  'KeyFrameTimeout',
  'BadSlot',
  'TooManySlots',
  'AlreadyPublishing',
  'RequestTimeout',
  'ViolationTooOld',
  'PictureExists',
  'EvidenceSealed',
  'NotJPEG',
  'BadDimensions',
  'Undecodable',
] as const;

export type ServerErrorCode = (typeof SERVER_ERROR_CODES)[number];

export interface WireError {
  code: string;
  message: string;
}

export interface ExamInfo {
  namespace: string;
  name: string;
  title: string;
  contentURL?: string;
  /** How the quiz is shown; absent: in a frame. */
  contentPlacement?: 'Frame' | 'Tab';
  opensAt?: number;
  startsAt?: number;
  endsAt?: number;
  now: number;
}

export interface ViolationRule {
  type: string;
  severity: string;
  weight: number;
  ttlMs: number;
  mustLastMs: number;
}

export interface Policy {
  version: string;
  reportIntervalMs: number;
  violations: ViolationRule[];
  /** Of the face detector, by the names of detector/thresholds.ts; those left out keep their defaults. */
  thresholds?: Record<string, number>;
  /** Where a face_landmarker.task lies below the page, if the server has one. */
  faceModel?: string;
}

export interface IceServer {
  urls: string[];
  username?: string;
  credential?: string;
}

export interface JoinResponse {
  token: string;
  expiresAt: number;
  student: { id: string; name: string; extraTimeMs?: number };
  exam: ExamInfo;
  shard: string;
  policy: Policy;
  // Go encodes an empty slice that was never made as null.
  iceServers: IceServer[] | null;
}

/** What is kept of an exam, and for how long; times of 0 are left out. */
export interface EvidenceConfig {
  /** How long after the exam's end pictures are kept; absent: until somebody deletes them. */
  retentionMs?: number;
  /** The mean time between two pictures at random moments; absent: none are taken. */
  pictureEveryMs?: number;
}

export interface Notice {
  student: { id: string; name: string; extraTimeMs?: number };
  exam: ExamInfo;
  policy: Policy;
  /** Absent: nothing is kept. */
  evidence?: EvidenceConfig;
}

export interface PageDelta {
  publishing?: boolean;
  visible?: boolean;
  focused?: boolean;
  cameraMuted?: boolean;
  luminance?: number;
}

export interface ReportedViolation {
  type: string;
  at: number;
  lastedMs: number;
}

export interface ReportMessage {
  type: 'report';
  seq: number;
  sentAt: number;
  delta?: PageDelta;
  violations?: ReportedViolation[];
}

export interface CountedViolation {
  type: string;
  severity: string;
  at: number;
  /** Counts the student's violations of the type from 1; absent from older servers. */
  number?: number;
}

/** What the student is to send: the low layer at a frame a second, it alone, or all. */
export type WantedMedia = 'trickle' | 'low' | 'high';

export interface ServerMessage {
  /** welcome, ack, violation, state, exam, media, move (publish again), error. */
  type: string;
  seq?: number;
  state?: string;
  score?: number;
  level?: string;
  violation?: CountedViolation;
  exam?: ExamInfo;
  media?: WantedMedia;
  /** An invigilator's message, and whether it is a warning. */
  text?: string;
  warning?: boolean;
  error?: WireError;
}

export const CloseCode = {
  Shutdown: 4000,
  TooSlow: 4001,
  BadMessage: 4400,
  Unauthenticated: 4401,
  NotEnrolled: 4403,
  SessionReplaced: 4409,
  ExamFinished: 4410,
  Terminated: 4411,
} as const;

// The slot viewer: internal/wire/view.go.

/** Of a student with one layer, both are the same. */
export type Layer = 'low' | 'high';

export type SlotState = 'free' | 'pending' | 'playing' | 'paused';

/** Why a slot is pending: one of these, or why the student's last session has ended. */
export type SlotReason =
  | 'NotPublishing'
  | 'NoKeyFrame'
  | 'Deleted'
  | 'TakenOver'
  | 'IceFailed'
  | 'ConnectTimeout'
  | 'DtlsClosed'
  | 'Drained'
  | 'Shutdown';

export type ViewCommand =
  | { type: 'offer'; sdp: string }
  | { type: 'assign'; slot: number; student: string; layer: Layer }
  | { type: 'layer'; slot: number; layer: Layer }
  | { type: 'pause' | 'resume' | 'release'; slot: number };

export interface ViewEvent {
  /** answer, slot, moved (the pod drains), error. */
  type: string;
  sdp?: string;
  slots?: number;
  slot?: number;
  state?: SlotState;
  student?: string;
  layer?: Layer;
  /** While playing: of the first frame of what is shown now. Earlier frames are of whom it showed before. */
  rtpTimestamp?: number;
  reason?: SlotReason;
  error?: WireError;
}

export const ViewCloseCode = {
  Shutdown: 4000,
  TooSlow: 4001,
  /** The PeerConnection has ended. */
  TransportFailed: 4002,
  BadMessage: 4400,
} as const;
