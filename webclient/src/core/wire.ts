// The messages of docs/protocol.md as the page sees them: the TypeScript side of
// the Go package internal/wire. Times are milliseconds since the Unix epoch.

export const SUBPROTOCOL = 'invigil.events.v1';
export const BEARER_SUBPROTOCOL = 'bearer.';

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
  'NotImplemented',
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
}

export interface IceServer {
  urls: string[];
  username?: string;
  credential?: string;
}

export interface JoinResponse {
  token: string;
  expiresAt: number;
  student: { id: string; name: string };
  exam: ExamInfo;
  shard: string;
  policy: Policy;
  // Go encodes an empty slice that was never made as null.
  iceServers: IceServer[] | null;
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
}

export interface ServerMessage {
  type: string;
  seq?: number;
  state?: string;
  score?: number;
  level?: string;
  violation?: CountedViolation;
  exam?: ExamInfo;
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
} as const;
