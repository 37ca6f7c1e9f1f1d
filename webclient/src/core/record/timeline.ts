// What is on record of one student as a person reads it: each fact once, a
// violation together with its pictures and with who has dismissed it.

import type {
  RecordAction,
  RecordCheck,
  RecordEntry,
  RecordObservation,
  RecordPicture,
  RecordState,
  RecordViolation,
} from '../wire-invigilator';

/** A picture of a violation, or why there is none. */
export type Evidence =
  | { is: 'picture'; picture: RecordPicture }
  /** It was tried; result is the code of why it failed. */
  | { is: 'failed'; result: string }
  /** Nothing is on record: it was not asked for, not sent, or is still under way. */
  | { is: 'absent' };

export interface Dismissal {
  at: number;
  by: string;
  reason: string;
}

interface Fact {
  /** The entry's id. */
  id: string;
  seq: number;
  at: number;
}

export interface ViolationItem extends Fact {
  is: 'violation';
  violation: RecordViolation;
  /** By the student's page, and by the server of what it received. */
  client: Evidence;
  server: Evidence;
  dismissed: Dismissal | null;
}

export type TimelineItem =
  | ViolationItem
  | (Fact & { is: 'observation'; observation: RecordObservation })
  | (Fact & { is: 'action'; action: RecordAction; about: RecordViolation | null })
  | (Fact & { is: 'state'; state: RecordState })
  /** A picture at a random moment, or one whose violation is not on record. */
  | (Fact & { is: 'look'; check: RecordCheck; evidence: Evidence });

/** Newest first; of the same moment, what was recorded later comes first. */
export function timeline(entries: readonly RecordEntry[]): TimelineItem[] {
  const violations = new Map<string, ViolationItem>();
  for (const { id, seq, at, violation } of entries) {
    if (violation !== undefined) {
      const none: Evidence = { is: 'absent' };
      violations.set(id, { is: 'violation', id, seq, at, violation, client: none, server: none, dismissed: null });
    }
  }
  const items = entries.flatMap((entry) => itemOf(entry, violations));

  return items.sort((a, b) => b.at - a.at || b.seq - a.seq);
}

function itemOf(entry: RecordEntry, violations: Map<string, ViolationItem>): TimelineItem[] {
  const { id, seq, at, observation, action, state, check } = entry;
  const own = violations.get(id);
  if (own !== undefined) {
    return [own];
  }
  if (observation !== undefined) {
    return [{ is: 'observation', id, seq, at, observation }];
  }
  if (state !== undefined) {
    return [{ is: 'state', id, seq, at, state }];
  }
  if (action !== undefined) {
    const about = violations.get(action.of ?? '');
    if (about !== undefined && action.kind === 'dismiss') {
      about.dismissed = { at, by: action.by, reason: action.reason ?? '' };
    }

    return [{ is: 'action', id, seq, at, action, about: about?.violation ?? null }];
  }
  if (check !== undefined) {
    const evidence = evidenceOf(entry, check);
    const about = violations.get(check.of ?? '');
    if (about === undefined) {
      return [{ is: 'look', id, seq, at, check, evidence }];
    }
    about[check.type === 'upload' ? 'client' : 'server'] = evidence;
  }

  // A kind that this page does not know, from a newer server.
  return [];
}

function evidenceOf({ pictures }: RecordEntry, check: RecordCheck): Evidence {
  const picture = pictures?.[0];

  return picture === undefined ? { is: 'failed', result: check.result } : { is: 'picture', picture };
}

export type TimelineKind = TimelineItem['is'];

/** Violations of a timeline, newest first. */
export function violationsOf(items: readonly TimelineItem[]): ViolationItem[] {
  return items.filter((item) => item.is === 'violation');
}

/** The names of all pictures of a timeline that are still kept, each once. */
export function picturesOf(items: readonly TimelineItem[]): string[] {
  const evidence = items.flatMap((item) => {
    switch (item.is) {
      case 'violation':
        return [item.client, item.server];
      case 'look':
        return [item.evidence];
      default:
        return [];
    }
  });

  return [
    ...new Set(evidence.flatMap((of) => (of.is === 'picture' && of.picture.expired !== true ? [of.picture.sha256] : []))),
  ];
}
