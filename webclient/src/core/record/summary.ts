// Figures of one student and of all of them.

import { LEVELS } from '../wall/store';
import type { Coverage, FeedSession, Level } from '../wire-invigilator';

/** The levels, worst first. */
export const WORST_FIRST: readonly Level[] = [...LEVELS].reverse();

/** Worst first. */
export const SEVERITIES = ['critical', 'high', 'medium', 'low'] as const;

/** A level that this page does not know is one to look at. */
export function levelOf(level: string): Level {
  return LEVELS.find((known) => known === level) ?? 'watch';
}

/** Gap causes in the order in which they are told. */
export const CAUSES = ['network', 'student', 'sfu', 'platform'] as const;

export interface CoverageSummary {
  observedMs: number;
  /** Observed and gaps together. */
  totalMs: number;
  /** Rounded down, so that 100 means all of it. */
  percent: number;
  gaps: { cause: string; ms: number }[];
}

/** null: never live, so there was nothing to cover. */
export function coverageOf(coverage: Coverage | undefined): CoverageSummary | null {
  if (coverage === undefined) {
    return null;
  }
  const told = coverage.gapsMs ?? {};
  const gaps = [...new Set([...CAUSES, ...Object.keys(told)])]
    .map((cause) => ({ cause, ms: told[cause] ?? 0 }))
    .filter(({ ms }) => ms > 0);
  const totalMs = gaps.reduce((sum, { ms }) => sum + ms, coverage.observedMs);

  return {
    observedMs: coverage.observedMs,
    totalMs,
    percent: totalMs === 0 ? 0 : Math.floor((coverage.observedMs * 100) / totalMs),
    gaps,
  };
}

export interface TypeCount {
  type: string;
  /** All that were counted, and how many of them people have dismissed. */
  count: number;
  dismissed: number;
  lastAt: number;
}

/** Violations of a session by type, the most frequent first. */
export function countsOf({ violations = [], dismissed = [] }: FeedSession): TypeCount[] {
  return violations
    .map(({ type, count, lastAt }) => ({
      type,
      count,
      dismissed: dismissed.find((other) => other.type === type)?.count ?? 0,
      lastAt,
    }))
    .sort((a, b) => b.count - a.count || a.type.localeCompare(b.type));
}

/** Violations of a session, and those of them that were dismissed. */
export function totalOf(session: FeedSession): { count: number; dismissed: number } {
  return countsOf(session).reduce(
    (sum, { count, dismissed }) => ({ count: sum.count + count, dismissed: sum.dismissed + dismissed }),
    { count: 0, dismissed: 0 },
  );
}

/** Whether the student's exam is over, so that nothing can be done about it. */
export function isOver({ state }: FeedSession): boolean {
  return state === 'Finished' || state === 'Terminated';
}
