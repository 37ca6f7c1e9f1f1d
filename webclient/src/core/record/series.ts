// What a plot of one student's exam shows: the score as steps, violations as
// marks, and what the session was meanwhile. Only what is on record is drawn as
// known; the rest is marked.

import type { FeedSession, RecordEntry } from '../wire-invigilator';
import { timeline, violationsOf } from './timeline';

/** From at on, until the next step. */
export interface ScoreStep {
  at: number;
  score: number;
  /**
   * False: something has changed the score since it was last on record (a
   * dismissal, a violation of which only the count was kept), and nothing says yet
   * to what. Then score is the last that was.
   */
  sure: boolean;
}

export interface ViolationMark {
  at: number;
  type: string;
  severity: string;
  /** After it; null: not on record. */
  score: number | null;
  dismissed: boolean;
}

/** before: not live yet. interrupted: page or camera were not connected. */
export type BandKind = 'before' | 'live' | 'interrupted' | 'paused' | 'over';

export interface Band {
  kind: BandKind;
  from: number;
  until: number;
  /** Why it began, as the record has it: "socket", "stream", "join" and so on. */
  why: string;
  /** Of interruptions: "network", "sfu", "platform", "student"; null: which of several is not on record. */
  cause: string | null;
}

export interface Series {
  from: number;
  until: number;
  steps: ScoreStep[];
  marks: ViolationMark[];
  bands: Band[];
}

export interface SeriesInput {
  entries: readonly RecordEntry[];
  session: FeedSession;
  /** Whether entries are all there are: only then does the present score follow from them. */
  complete: boolean;
  /** The server's clock. */
  now: number;
}

export function series(input: SeriesInput): Series {
  const { entries, session, now } = input;
  const first = Math.min(...entries.map(({ at }) => at));
  const joined = session.joinedAt ?? 0;
  const from = Math.min(joined > 0 ? joined : now, first);
  const bands = bandsOf(entries, session, from, now);
  const until = Math.max(from, bands.at(-1)?.until ?? now, ...entries.map(({ at }) => at));

  return { from, until, bands, steps: stepsOf(input, from), marks: marksOf(entries) };
}

function marksOf(entries: readonly RecordEntry[]): ViolationMark[] {
  return violationsOf(timeline(entries))
    .map(({ at, violation, dismissed }) => ({
      at,
      type: violation.type,
      severity: violation.severity,
      score: violation.recovered === true ? null : violation.score,
      dismissed: dismissed !== null,
    }))
    .reverse();
}

/** What changes the score; null: to what is not on record. */
function changesOf(entries: readonly RecordEntry[]): { at: number; score: number | null }[] {
  return entries
    .flatMap(({ at, seq, violation, action }) => {
      if (violation !== undefined) {
        return [{ at, seq, score: violation.recovered === true ? null : violation.score }];
      }

      return action?.kind === 'dismiss' ? [{ at, seq, score: null }] : [];
    })
    .sort((a, b) => a.at - b.at || a.seq - b.seq);
}

function stepsOf({ entries, session, complete, now }: SeriesInput, from: number): ScoreStep[] {
  const steps: ScoreStep[] = [{ at: from, score: 0, sure: true }];
  let score = 0;
  for (const change of changesOf(entries)) {
    score = change.score ?? score;
    steps.push({ at: change.at, score, sure: change.score !== null });
  }
  const last = steps.at(-1);
  if (last === undefined || !complete) {
    return steps;
  }
  if (!last.sure) {
    // Nothing has changed it since, so the present score is what it became then.
    return [...steps.slice(0, -1), { at: last.at, score: session.score, sure: true }];
  }
  if (last.score !== session.score) {
    // Another policy since, for one: when is not on record.
    return [...steps.slice(0, -1), { ...last, sure: false }, { at: Math.max(now, last.at), score: session.score, sure: true }];
  }

  return steps;
}

const KINDS: Partial<Record<string, BandKind>> = {
  Live: 'live',
  Interrupted: 'interrupted',
  Paused: 'paused',
  Finished: 'over',
  Terminated: 'over',
};

function bandsOf(entries: readonly RecordEntry[], session: FeedSession, from: number, now: number): Band[] {
  const changes = entries
    .flatMap(({ at, seq, state }) => (state === undefined ? [] : [{ at, seq, state }]))
    .sort((a, b) => a.at - b.at || a.seq - b.seq);
  const cause = onlyCause(session);
  const bands: Band[] = [];
  const add = (state: string, why: string, at: number, until: number) => {
    const kind = KINDS[state] ?? 'before';
    if (until > at && kind !== 'over') {
      bands.push({ kind, from: at, until, why, cause: kind === 'interrupted' ? cause : null });
    }
  };
  const first = changes[0];
  add(first?.state.from ?? session.state, '', from, first?.at ?? now);
  for (const [index, { at, state }] of changes.entries()) {
    add(state.to, state.why ?? '', at, changes[index + 1]?.at ?? now);
  }

  return bands;
}

/** Of several causes the record does not say which gap had which; of one it needs not. */
function onlyCause({ coverage }: FeedSession): string | null {
  const causes = Object.entries(coverage?.gapsMs ?? {}).filter(([, ms]) => ms > 0);

  return causes.length === 1 ? (causes[0]?.[0] ?? null) : null;
}
