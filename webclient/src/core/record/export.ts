// What a person takes away of an exam: its sessions, or one student's record, as
// CSV for a spreadsheet and as JSON for a program.

import type { ExamInfo } from '../wire';
import type { FeedSession, RecordEntry } from '../wire-invigilator';
import { csv, isoTime } from './csv';
import { CAUSES, coverageOf, totalOf } from './summary';
import { timeline, violationsOf } from './timeline';

export interface ExportFile {
  name: string;
  type: string;
  text: string;
}

export interface SessionsExport {
  exam: ExamInfo;
  sessions: readonly FeedSession[];
  /** The server's clock. */
  now: number;
}

const SECOND_MS = 1_000;

export function sessionsCsv({ exam, sessions }: SessionsExport): ExportFile {
  const types = [...new Set(sessions.flatMap(({ violations = [] }) => violations.map(({ type }) => type)))].sort();
  const head = [
    'student', 'name', 'state', 'score', 'level', 'joined_at', 'ends_at', 'last_seen_at', 'policy_version',
    'observed_s', ...CAUSES.map((cause) => `gap_${cause}_s`), 'coverage_percent',
    'violations', 'dismissed', ...types.map((type) => `violations_${type}`), 'observations',
  ];
  const rows = sessions.map((session) => {
    const coverage = coverageOf(session.coverage);
    const total = totalOf(session);

    return [
      session.student, session.name, session.state, session.score, session.level,
      isoTime(session.joinedAt), isoTime(session.endsAt), isoTime(session.lastSeenAt), session.policyVersion,
      coverage === null ? null : seconds(coverage.observedMs),
      ...CAUSES.map((cause) => (coverage === null ? null : seconds(session.coverage?.gapsMs?.[cause] ?? 0))),
      coverage?.percent,
      total.count, total.dismissed,
      ...types.map((type) => session.violations?.find((of) => of.type === type)?.count ?? 0),
      (session.observations ?? []).reduce((sum, { count }) => sum + count, 0),
    ];
  });

  return { name: `${fileName(exam)}-sessions.csv`, type: 'text/csv', text: csv(head, rows) };
}

export function sessionsJson({ exam, sessions, now }: SessionsExport): ExportFile {
  return json(`${fileName(exam)}-sessions.json`, { version: 1, exam, exportedAt: now, sessions });
}

export interface RecordExport {
  exam: ExamInfo;
  session: FeedSession;
  entries: readonly RecordEntry[];
  now: number;
}

const RECORD_HEAD = [
  'seq', 'at', 'id', 'kind', 'type', 'severity', 'number', 'lasted_ms', 'score', 'level', 'recovered',
  'dismissed_at', 'dismissed_by', 'dismissed_reason', 'by', 'reason', 'text', 'minutes', 'of',
  'from', 'to', 'why', 'detail', 'result', 'picture_sha256', 'picture_source', 'picture_captured_at', 'picture_expired',
];

/** One row for each entry, in the record's own order. */
export function recordCsv({ exam, session, entries }: RecordExport): ExportFile {
  const dismissed = new Map(violationsOf(timeline(entries)).map(({ id, dismissed: by }) => [id, by]));
  const rows = entries.map((entry) => {
    const { violation, observation, action, state, check } = entry;
    const known = violation?.recovered !== true;
    const picture = entry.pictures?.[0];
    const by = dismissed.get(entry.id);

    return [
      entry.seq, isoTime(entry.at), entry.id, entry.kind,
      violation?.type ?? observation?.type ?? action?.kind ?? check?.type,
      violation?.severity, violation?.number,
      known ? violation?.lastedMs : null, known ? violation?.score : null, known ? violation?.level : null,
      violation === undefined ? null : String(!known),
      isoTime(by?.at), by?.by, by?.reason,
      action?.by, action?.reason, action?.text, action?.minutes, action?.of ?? check?.of,
      state?.from, state?.to, state?.why, observation?.detail, check?.result,
      picture?.sha256, picture?.source, isoTime(picture?.capturedAt),
      picture === undefined ? null : String(picture.expired === true),
    ];
  });

  return { name: `${fileName(exam, session.student)}.csv`, type: 'text/csv', text: csv(RECORD_HEAD, rows) };
}

export function recordJson({ exam, session, entries, now }: RecordExport): ExportFile {
  return json(`${fileName(exam, session.student)}.json`, { version: 1, exam, exportedAt: now, session, entries });
}

function json(name: string, value: unknown): ExportFile {
  return { name, type: 'application/json', text: `${JSON.stringify(value, null, 2)}\n` };
}

function seconds(ms: number): number {
  return Math.round(ms / SECOND_MS);
}

/** A student's id may hold what a file's name may not. */
function fileName(exam: ExamInfo, student?: string): string {
  return [exam.namespace, exam.name, ...(student === undefined ? [] : [student])]
    .join('-')
    .replaceAll(/[^A-Za-z0-9._-]+/g, '_');
}
