// The sessions of an exam as a table: filtered, sorted, and by level.

import type { FeedSession, Level } from '../wire-invigilator';
import { coverageOf, levelOf, totalOf, WORST_FIRST } from './summary';

export const COLUMNS = ['name', 'student', 'state', 'score', 'violations', 'dismissed', 'coverage'] as const;
export type Column = (typeof COLUMNS)[number];

export interface TableView {
  column: Column;
  descending: boolean;
  /** Part of a name or an id; several words must all occur. */
  search: string;
  /** null: every level. */
  level: Level | null;
  /** Only sessions of which something was counted. */
  flagged: boolean;
}

export const FIRST_VIEW: TableView = { column: 'score', descending: true, search: '', level: null, flagged: false };

export interface LevelGroup {
  level: Level;
  sessions: FeedSession[];
}

/** Groups without sessions are left out. */
export function tableOf(sessions: readonly FeedSession[], view: TableView, lang: string): LevelGroup[] {
  const words = view.search.toLocaleLowerCase(lang).split(/\s+/).filter((word) => word !== '');
  const collator = new Intl.Collator(lang, { numeric: true, sensitivity: 'base' });
  const shown = sessions
    .filter((session) => {
      const text = `${session.name} ${session.student}`.toLocaleLowerCase(lang);

      return (
        words.every((word) => text.includes(word)) &&
        (view.level === null || levelOf(session.level) === view.level) &&
        (!view.flagged || totalOf(session).count > 0)
      );
    })
    .sort((a, b) => {
      const order = compare(valueOf(a, view.column), valueOf(b, view.column), collator);

      // Equal ones by name, whichever way the column goes: rows do not jump.
      return (view.descending ? -order : order) || collator.compare(a.name, b.name) || collator.compare(a.student, b.student);
    });

  return WORST_FIRST.map((level) => ({ level, sessions: shown.filter((session) => levelOf(session.level) === level) })).filter(
    (group) => group.sessions.length > 0,
  );
}

/** What a click on a column's head does: figures begin with the highest. */
export function sortedBy(view: TableView, column: Column): TableView {
  const textual = column === 'name' || column === 'student' || column === 'state';

  return { ...view, column, descending: view.column === column ? !view.descending : !textual };
}

function valueOf(session: FeedSession, column: Column): number | string {
  switch (column) {
    case 'name':
    case 'student':
    case 'state':
      return session[column];
    case 'score':
      return session.score;
    case 'violations':
      return totalOf(session).count;
    case 'dismissed':
      return totalOf(session).dismissed;
    case 'coverage':
      return coverageOf(session.coverage)?.percent ?? -1;
  }
}

function compare(a: number | string, b: number | string, collator: Intl.Collator): number {
  return typeof a === 'number' && typeof b === 'number' ? a - b : collator.compare(String(a), String(b));
}
