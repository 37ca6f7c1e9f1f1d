import { expect, it } from 'vitest';

import { EXAM } from '../testing';
import { recordCsv, recordJson, sessionsCsv, sessionsJson } from './export';
import { action, check, feedSession, state, violation } from './testing';

/** Of files without commas in their cells. */
const table = (text: string) => {
  const [head = [], ...rows] = text.replace('\uFEFF', '').trimEnd().split('\r\n').map((line) => line.split(','));

  return rows.map((cells) => Object.fromEntries(head.map((name, index) => [name, cells[index]])));
};

const SESSIONS = [
  feedSession({
    name: '=HYPERLINK()', score: 15, level: 'watch', coverage: { observedMs: 90_000, gapsMs: { network: 10_000 } },
    violations: [{ type: 'FocusLost', count: 3, lastAt: 5 }], dismissed: [{ type: 'FocusLost', count: 1, lastAt: 6 }],
  }),
  feedSession({ student: 's2', violations: [{ type: 'Speaking', count: 1, lastAt: 5 }] }),
];

it('sessions: a column for each type that occurs, and formulas are text', () => {
  const { name, text } = sessionsCsv({ exam: EXAM, sessions: SESSIONS, now: 0 });
  expect(name).toBe('default-finals-sessions.csv');
  expect(table(text)).toMatchObject([
    { name: "'=HYPERLINK()", score: '15', observed_s: '90', gap_network_s: '10', coverage_percent: '90', violations: '3', dismissed: '1', violations_FocusLost: '3', violations_Speaking: '0' },
    { student: 's2', observed_s: '', coverage_percent: '', violations_Speaking: '1', violations_FocusLost: '0' },
  ]);
});

it('a record: one row for each entry, with what became of it', () => {
  const entries = [
    state(1, 1_000, 'Joined', 'Live'), violation(2, 2_000), check(3, 2_500, 'upload', 'v-FocusLost-2'),
    action(4, 3_000, { kind: 'dismiss', of: 'v-FocusLost-2', reason: '+1' }), violation(5, 4_000, { recovered: true, score: 0 }),
  ];
  const { name, text } = recordCsv({ exam: EXAM, session: feedSession({ student: '../x y' }), entries, now: 0 });
  expect(name).toBe('default-finals-.._x_y.csv');
  expect(table(text)).toMatchObject([
    { kind: 'state', from: 'Joined', to: 'Live', why: 'socket' },
    { kind: 'violation', type: 'FocusLost', score: '5', recovered: 'false', dismissed_by: 'inv/1', dismissed_reason: "'+1" },
    { kind: 'check', of: 'v-FocusLost-2', result: 'taken', picture_sha256: 'upload3', picture_source: 'client', picture_expired: 'false' },
    { kind: 'action', type: 'dismiss', by: 'inv/1', reason: "'+1" },
    { kind: 'violation', score: '', lasted_ms: '', recovered: 'true' },
  ]);
});

it('JSON has what the server has said, unchanged', () => {
  const entries = [violation(1, 2_000)];
  expect(JSON.parse(sessionsJson({ exam: EXAM, sessions: SESSIONS, now: 7 }).text)).toEqual({ version: 1, exam: EXAM, exportedAt: 7, sessions: SESSIONS });
  expect(JSON.parse(recordJson({ exam: EXAM, session: feedSession(), entries, now: 7 }).text)).toEqual({
    version: 1, exam: EXAM, exportedAt: 7, session: feedSession(), entries,
  });
});
