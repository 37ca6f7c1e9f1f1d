import { useId, useMemo, useState } from 'react';

import { LANG } from '../../core/format';
import { sessionsCsv, sessionsJson, type ExportFile, type SessionsExport } from '../../core/record/export';
import { levelNames, recordTexts } from '../../core/record/messages';
import { FIRST_VIEW, tableOf, type TableView } from '../../core/record/sessions-table';
import { WORST_FIRST } from '../../core/record/summary';
import type { ExamInfo } from '../../core/wire';
import type { WallStore } from '../../core/wall/store';
import { ReviewHead } from './review-head';
import { saveFile } from './save-file';
import { SessionsTable } from './sessions-table';
import { serverNow, useSessions } from './use-exam';
import { useHeadingFocus } from './use-heading-focus';

const texts = recordTexts.review;

interface SessionsViewProps {
  store: WallStore;
  exam: ExamInfo | null;
  onOpen: (student: string) => void;
}

export function SessionsView({ store, exam, onOpen }: SessionsViewProps) {
  const heading = useHeadingFocus();
  const sessions = useSessions(store);
  const [view, setView] = useState<TableView>(FIRST_VIEW);
  const groups = useMemo(() => tableOf(sessions, view, LANG), [sessions, view]);
  const shown = groups.reduce((sum, group) => sum + group.sessions.length, 0);
  const save = (make: (from: SessionsExport) => ExportFile) => {
    if (exam !== null) {
      saveFile(make({ exam, sessions, now: serverNow(store) }));
    }
  };

  return (
    <div className="review">
      <ReviewHead exam={exam}>
        <a className="button" href="./wall">
          {texts.wall}
        </a>
      </ReviewHead>
      <main className="review-main">
        <div className="review-title">
          <h1 ref={heading} tabIndex={-1}>
            {texts.title}
          </h1>
          <div className="actions">
            <button
              type="button"
              disabled={exam === null}
              onClick={() => {
                save(sessionsCsv);
              }}
            >
              {texts.exportCsv}
            </button>
            <button
              type="button"
              disabled={exam === null}
              onClick={() => {
                save(sessionsJson);
              }}
            >
              {texts.exportJson}
            </button>
          </div>
        </div>
        <Filters view={view} onView={setView} />
        <p role="status" className="soft">
          {exam === null ? texts.loading : texts.shown({ shown, all: sessions.length })}
        </p>
        {exam !== null && shown === 0 && <p>{texts.none}</p>}
        {shown > 0 && <SessionsTable groups={groups} view={view} onView={setView} onOpen={onOpen} />}
      </main>
    </div>
  );
}

function Filters({ view, onView }: { view: TableView; onView: (view: TableView) => void }) {
  const id = useId();

  return (
    <search className="filters">
      <div className="field">
        <label htmlFor={`${id}-search`}>{texts.search}</label>
        <input
          id={`${id}-search`}
          type="search"
          value={view.search}
          onChange={(event) => {
            onView({ ...view, search: event.target.value });
          }}
        />
      </div>
      <div className="field">
        <label htmlFor={`${id}-level`}>{texts.level}</label>
        <select
          id={`${id}-level`}
          value={view.level ?? ''}
          onChange={(event) => {
            onView({ ...view, level: WORST_FIRST.find((level) => level === event.target.value) ?? null });
          }}
        >
          <option value="">{texts.everyLevel}</option>
          {WORST_FIRST.map((level) => (
            <option key={level} value={level}>
              {levelNames[level]}
            </option>
          ))}
        </select>
      </div>
      <label className="check-field">
        <input
          type="checkbox"
          checked={view.flagged}
          onChange={(event) => {
            onView({ ...view, flagged: event.target.checked });
          }}
        />
        {texts.flagged}
      </label>
    </search>
  );
}
