// Entries and sessions for the tests of the record.

import type { FeedSession, RecordAction, RecordEntry, RecordViolation } from '../wire-invigilator';

export function feedSession(fields: Partial<FeedSession> = {}): FeedSession {
  return { student: 's1', name: 'Ada', state: 'Live', streaming: true, score: 0, level: 'clear', joinedAt: 1_000, ...fields };
}

export function violation(seq: number, at: number, fields: Partial<RecordViolation> = {}): RecordEntry {
  const of: RecordViolation = {
    type: 'FocusLost', severity: 'medium', number: seq, lastedMs: 1_500, score: 5, level: 'clear', ...fields,
  };

  return { seq, id: `v-${of.type}-${String(of.number)}`, at, kind: 'violation', violation: of };
}

export function check(seq: number, at: number, type: 'upload' | 'violation' | 'random', of = '', result = 'taken'): RecordEntry {
  const picture = { sha256: `${type}${String(seq)}`, source: type === 'upload' ? ('client' as const) : ('sfu' as const), capturedAt: at };

  return {
    seq, id: `${of}/${type}${String(seq)}`, at, kind: 'check', check: { type, result, of },
    ...(result === 'taken' ? { pictures: [picture] } : {}),
  };
}

export function action(seq: number, at: number, fields: Partial<RecordAction> = {}): RecordEntry {
  return { seq, id: `a-${String(seq)}`, at, kind: 'action', action: { kind: 'message', by: 'inv/1', ...fields } };
}

export function state(seq: number, at: number, from: string, to: string, why = 'socket'): RecordEntry {
  return { seq, id: `s-${to}-${String(at)}`, at, kind: 'state', state: { from, to, why } };
}
