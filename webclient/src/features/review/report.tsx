import { lazy, Suspense, useEffect, useMemo, useState } from 'react';

import { CoverageSummary } from '../../components/record/coverage-summary';
import { RecordProgress } from '../../components/record/record-state';
import { useStudent } from '../../components/record/use-student';
import { dateAndClock, zoneName } from '../../core/record/format';
import { recordTexts } from '../../core/record/messages';
import { series } from '../../core/record/series';
import { picturesOf } from '../../core/record/timeline';
import type { Door } from '../../core/wall/door';
import type { WallStore } from '../../core/wall/store';
import type { WallConfig } from '../../core/wire-invigilator';
import { ReportFacts } from './report-facts';
import { ReportRecord } from './report-record';
import { ReviewHead } from './review-head';
import { serverNow } from './use-exam';
import { useHeadingFocus } from './use-heading-focus';
import { usePrint } from './use-print';

const ScorePlot = lazy(() => import('./score-plot'));

const texts = recordTexts.report;

/** As wide as the text on A4, in CSS pixels. */
const PAPER_PX = 640;

interface ReportProps {
  id: string;
  store: WallStore;
  door: Door;
  config: WallConfig | null;
  onBack: () => void;
}

/**
 * One student on paper: everything that is judged later, in words, with its
 * pictures. It is shown as it is printed, in light colours.
 */
export function Report({ id, store, door, config, onBack }: ReportProps) {
  const heading = useHeadingFocus();
  const { record, items, refresh } = useStudent(id, store, door);
  const [printedAt] = useState(() => serverNow(store));
  const { session } = record;
  const exam = store.exam() ?? config?.exam ?? null;
  const plotted = useMemo(
    () => (session === null ? null : series({ entries: record.entries, session, complete: record.complete, now: printedAt })),
    [record, session, printedAt],
  );
  const shas = useMemo(() => picturesOf(items), [items]);
  const left = usePrint(shas, record.complete && plotted !== null);
  useEffect(() => {
    const before = document.title;
    // What the browser offers as the file's name.
    document.title = `${texts.title}: ${exam?.name ?? ''} ${id}`;

    return () => {
      document.title = before;
    };
  }, [exam, id]);

  return (
    <div className="review report-page">
      <div className="no-print">
        <ReviewHead exam={exam}>
          <button type="button" onClick={onBack}>
            ← {texts.back}
          </button>
          <button
            type="button"
            className="primary"
            onClick={() => {
              window.print();
            }}
          >
            {texts.print}
          </button>
        </ReviewHead>
        <p role="status" className="report-status">
          {left > 0 || !record.complete ? texts.preparing({ left }) : texts.ready}
        </p>
        {record.failed !== null && <RecordProgress record={record} onAgain={refresh} />}
      </div>
      <main className="report">
        <h1 ref={heading} tabIndex={-1}>
          {texts.title}
        </h1>
        {session !== null && exam !== null && (
          <>
            <ReportFacts exam={exam} session={session} entries={record.entries} />
            <p className="report-note">
              {texts.zone({ zone: zoneName(printedAt) })} {texts.printed({ at: dateAndClock(printedAt) })} {texts.hint}
            </p>
            {!record.complete && <p className="report-note strong">{texts.incomplete}</p>}
            <section>
              <h2>{recordTexts.coverage.title}</h2>
              <CoverageSummary coverage={session.coverage} />
            </section>
            {plotted !== null && plotted.until > plotted.from && (
              <section className="together">
                <h2>{recordTexts.review.plot}</h2>
                <Suspense fallback={null}>
                  <ScorePlot
                    series={plotted}
                    name={session.name}
                    maxWidth={PAPER_PX}
                    {...(config === null ? {} : { levels: config.policy.levels })}
                  />
                </Suspense>
              </section>
            )}
            <ReportRecord session={session} items={items} entries={record.entries} />
          </>
        )}
      </main>
    </div>
  );
}
