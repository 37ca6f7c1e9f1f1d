import { memo, type MouseEvent } from 'react';

import { LevelBadge } from '../../components/record/level-badge';
import { recordTexts, stateName } from '../../core/record/messages';
import { COLUMNS, sortedBy, type LevelGroup, type TableView } from '../../core/record/sessions-table';
import { coverageOf, totalOf } from '../../core/record/summary';
import type { FeedSession } from '../../core/wire-invigilator';

const texts = recordTexts.review;

interface SessionsTableProps {
  groups: readonly LevelGroup[];
  view: TableView;
  onView: (view: TableView) => void;
  onOpen: (student: string) => void;
}

/** One body for each level; the columns sort within them. */
export function SessionsTable({ groups, view, onView, onOpen }: SessionsTableProps) {
  return (
    // Reachable by keyboard, since it may have to be scrolled sideways.
    <div className="table-frame" role="region" aria-label={texts.sessions} tabIndex={0}>
      <table className="sessions">
        <caption className="for-readers">{texts.sessions}</caption>
        <thead>
          <tr>
            {COLUMNS.map((column) => (
              <th
                key={column}
                scope="col"
                aria-sort={view.column !== column ? 'none' : view.descending ? 'descending' : 'ascending'}
              >
                <button
                  type="button"
                  onClick={() => {
                    onView(sortedBy(view, column));
                  }}
                >
                  {texts.columns[column]}
                  <span aria-hidden="true" className="arrow">
                    {view.column !== column ? '' : view.descending ? '▼' : '▲'}
                  </span>
                </button>
              </th>
            ))}
          </tr>
        </thead>
        {groups.map(({ level, sessions }) => (
          <tbody key={level} data-level={level}>
            <tr className="group">
              <th scope="rowgroup" colSpan={COLUMNS.length}>
                <LevelBadge level={level} />{' '}
                <span className="soft">{texts.group({ count: sessions.length })}</span>
              </th>
            </tr>
            {sessions.map((session) => (
              <Row key={session.student} session={session} onOpen={onOpen} />
            ))}
          </tbody>
        ))}
      </table>
    </div>
  );
}

const Row = memo(function Row({ session, onOpen }: { session: FeedSession; onOpen: (student: string) => void }) {
  const { count, dismissed } = totalOf(session);
  const coverage = coverageOf(session.coverage);

  return (
    <tr>
      <th scope="row">
        <a
          href={`?student=${encodeURIComponent(session.student)}`}
          onClick={(event) => {
            if (!opensElsewhere(event)) {
              event.preventDefault();
              onOpen(session.student);
            }
          }}
        >
          {session.name}
        </a>
      </th>
      <td>{session.student}</td>
      <td>{stateName(session.state)}</td>
      <td className="figure">{session.score}</td>
      <td className="figure">{count}</td>
      <td className="figure">{dismissed}</td>
      <td className="figure">{coverage === null ? texts.notLive : `${String(coverage.percent)} %`}</td>
    </tr>
  );
});

/** With a modifier a link opens in another tab, as everywhere. */
function opensElsewhere(event: MouseEvent): boolean {
  return event.metaKey || event.ctrlKey || event.shiftKey || event.altKey;
}
