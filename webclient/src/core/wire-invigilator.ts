// The invigilators' messages of docs/protocol.md: the TypeScript side of
// internal/wire/{feed,wall,record}.go. Times are milliseconds since the Unix
// epoch. Go leaves out what is empty, so absent stands for false, 0 and "".

import type { CountedViolation, EvidenceConfig, ExamInfo, IceServer, Policy } from './wire';

export const FEED_SUBPROTOCOL = 'invigil.feed.v1';

export type SessionState = 'Enrolled' | 'Joined' | 'Live' | 'Interrupted' | 'Paused' | 'Finished' | 'Terminated';

export type Level = 'clear' | 'watch' | 'suspicious' | 'critical';

export interface ViolationCount {
  type: string;
  count: number;
  lastAt: number;
}

/** How much of the exam the camera was seen, from when the session first was live. */
export interface Coverage {
  observedMs: number;
  /** By cause: network, sfu, platform, student. */
  gapsMs?: Record<string, number>;
}

/** One student as invigilators see them. */
export interface FeedSession {
  student: string;
  name: string;
  state: SessionState;
  streaming: boolean;
  score: number;
  level: Level;
  violations?: ViolationCount[];
  /** The pod that has the student's camera. */
  shard?: string;
  joinedAt?: number;
  lastSeenAt?: number;
  policyVersion?: string;
  /** The student's own end, extra time included; absent: never. */
  endsAt?: number;
  coverage?: Coverage;
  /** What the server saw itself. */
  observations?: ViolationCount[];
  /** Of the violations, those that people have dismissed; they weigh nothing. */
  dismissed?: ViolationCount[];
}

export interface ShardHealth {
  name: string;
  ready: boolean;
  streaming: number;
}

export interface FeedStatus {
  /** Whether scoring reaches its store. */
  storeAvailable: boolean;
  shards: ShardHealth[] | null;
}

export interface FeedMessage {
  /** snapshot (replaces everything), delta (whole sessions), violation, action, status. */
  type: string;
  /** When it was made, on the server's clock. */
  at: number;
  exam?: ExamInfo;
  status?: FeedStatus;
  sessions?: FeedSession[];
  removed?: string[];
  student?: string;
  violation?: CountedViolation;
  /** Of the violation, as Action.number names it. */
  number?: number;
  score?: number;
  level?: Level;
  action?: TakenAction;
}

export const FeedCloseCode = {
  Normal: 1000,
  TooLarge: 1009,
  RateLimited: 1013,
  Shutdown: 4000,
  TooSlow: 4001,
  BadMessage: 4400,
  Unauthenticated: 4401,
  /** Of a passed-on viewer: no such pod. */
  NoSuchShard: 4404,
} as const;

/** What an invigilator may do to a session; what each needs is in docs/protocol.md. */
export type ActionKind = 'message' | 'warn' | 'pause' | 'resume' | 'extend' | 'terminate' | 'dismiss';

/** An action before the door has given it its id. */
export interface ActionRequest {
  kind: ActionKind;
  /** 1 to 500 characters: message, warn; optional with terminate. */
  text?: string;
  /** 1 to 600: extend. */
  minutes?: number;
  /** With number, counted for each type from 1; without: the last that is not dismissed. */
  violation?: string;
  number?: number;
  /** 1 to 500 characters: dismiss, terminate. */
  reason?: string;
}

export interface Action extends ActionRequest {
  /** Makes a repeated request harmless. */
  id: string;
}

/** An action as it is recorded. */
export interface TakenAction extends Action {
  student: string;
  /** The invigilator, as the token names them. */
  by: string;
  at: number;
}

/** The numbers by which a wall decides whose camera it watches. */
export interface TileLimits {
  /** How many students of one pod are watched at the same time. */
  slotsPerShard: number;
  /** How many tiles before and after those in sight have a slot already. */
  warm: number;
  /** How long a tile that went out of sight keeps its slot, unless another needs it. */
  offscreenGraceMs: number;
  /** How long a tile waits for its first frame once the pod says that it plays. */
  attachTimeoutMs: number;
  /** How often it then asks again. */
  attachRetries: number;
}

/** The exam's policy, with what a student's page is not told. */
export interface WallPolicy extends Policy {
  /** By severity: what its violations count for at most. */
  caps?: Record<string, number>;
  /** The scores from which on a level holds. */
  levels: { watch: number; suspicious: number; critical: number };
}

export interface WallConfig {
  exam: ExamInfo;
  policy: WallPolicy;
  /** Absent: nothing is kept, and records have no entries. */
  evidence?: EvidenceConfig;
  // Go encodes an empty slice that was never made as null.
  iceServers: IceServer[] | null;
  tiles: TileLimits;
}

/** What is on record of one student, as the evidence has it. */
export interface SessionRecord {
  session: FeedSession;
  /** By seq, at most 1,000 at a time. */
  entries: RecordEntry[] | null;
  /** Ask again after the last one. */
  more?: boolean;
  /** Entries are still on their way into the bucket. */
  waiting?: boolean;
}

/** One record of a student's chain (docs/evidence.md); kind says which of the facts is there. */
export interface RecordEntry {
  /** Counts the student's records from 1. */
  seq: number;
  id: string;
  at: number;
  kind: 'violation' | 'observation' | 'action' | 'state' | 'check';
  violation?: RecordViolation;
  observation?: RecordObservation;
  action?: RecordAction;
  state?: RecordState;
  check?: RecordCheck;
  pictures?: RecordPicture[];
}

export interface RecordViolation {
  type: string;
  severity: string;
  /** Counts the student's violations of the type from 1; absent: not known. */
  number?: number;
  lastedMs: number;
  /** Score and level after it. */
  score: number;
  level: Level;
  /** Only type, number and severity are known, and about when. */
  recovered?: boolean;
}

/** What the server saw of the student's media. */
export interface RecordObservation {
  type: string;
  detail?: string;
}

export interface RecordAction {
  kind: ActionKind;
  by: string;
  reason?: string;
  text?: string;
  minutes?: number;
  /** The id of the entry that a dismissal is about. */
  of?: string;
}

export interface RecordState {
  from: string;
  to: string;
  why?: string;
}

/** A look at the student: a picture, or why there is none. */
export interface RecordCheck {
  /** violation (the SFU's key frame of one), upload (the page's picture of one), random (the SFU's). */
  type: 'violation' | 'upload' | 'random';
  /** "taken", or the code of why there is no picture. */
  result: string;
  /** The id of the entry that it belongs to. */
  of?: string;
}

export interface RecordPicture {
  sha256: string;
  /** The student's page, or what the server received. */
  source: 'client' | 'sfu';
  /** On the source's clock. */
  capturedAt: number;
  /** It was deleted when its time had come. */
  expired?: boolean;
}
