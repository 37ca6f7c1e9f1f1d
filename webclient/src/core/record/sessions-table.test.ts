import { expect, it } from 'vitest';

import { FIRST_VIEW, sortedBy, tableOf, type TableView } from './sessions-table';
import { feedSession } from './testing';

const SESSIONS = [
  feedSession({ student: 's1', name: 'Ada', score: 2 }),
  feedSession({ student: 's2', name: 'bob', score: 70, level: 'critical', violations: [{ type: 'Speaking', count: 2, lastAt: 1 }] }),
  feedSession({ student: 's10', name: 'Carl Öz', score: 2, coverage: { observedMs: 5, gapsMs: { network: 5 } } }),
];

const ids = (view: Partial<TableView>) =>
  tableOf(SESSIONS, { ...FIRST_VIEW, ...view }, 'en').map(({ level, sessions }) => [level, sessions.map(({ student }) => student)]);

it.each<[string, Partial<TableView>, unknown]>([
  ['worst level first, equals by name', {}, [['critical', ['s2']], ['clear', ['s1', 's10']]]],
  ['equals stay by name the other way round', { descending: false }, [['critical', ['s2']], ['clear', ['s1', 's10']]]],
  ['ids as numbers', { column: 'student', descending: true }, [['critical', ['s2']], ['clear', ['s10', 's1']]]],
  ['coverage, never live last', { column: 'coverage' }, [['critical', ['s2']], ['clear', ['s10', 's1']]]],
  ['search: every word, any case', { search: ' öz CARL ' }, [['clear', ['s10']]]],
  ['search: id', { search: 's2' }, [['critical', ['s2']]]],
  ['level', { level: 'clear' }, [['clear', ['s1', 's10']]]],
  ['with violations only', { flagged: true }, [['critical', ['s2']]]],
  ['nobody', { search: 'zed' }, []],
])('%s', (_name, view, want) => {
  expect(ids(view)).toEqual(want);
});

it('a column begins with what is looked for, and then turns round', () => {
  const byName = sortedBy(FIRST_VIEW, 'name');
  expect(byName).toMatchObject({ column: 'name', descending: false });
  expect(sortedBy(byName, 'name').descending).toBe(true);
  expect(sortedBy(byName, 'coverage').descending).toBe(true);
});
