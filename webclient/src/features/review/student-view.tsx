import { lazy, Suspense, useMemo } from 'react';

import { CoverageSummary } from '../../components/record/coverage-summary';
import { LevelBadge } from '../../components/record/level-badge';
import { RecordProgress } from '../../components/record/record-state';
import { TimelineList } from '../../components/record/timeline-list';
import { useStudent } from '../../components/record/use-student';
import { ViolationCounts } from '../../components/record/violation-counts';
import { recordCsv, recordJson, type ExportFile, type RecordExport } from '../../core/record/export';
import { recordTexts, stateName } from '../../core/record/messages';
import { series } from '../../core/record/series';
import type { Door } from '../../core/wall/door';
import type { WallStore } from '../../core/wall/store';
import type { WallConfig } from '../../core/wire-invigilator';
import { PlotTable } from './plot-table';
import { ReviewHead } from './review-head';
import { saveFile } from './save-file';
import { serverNow } from './use-exam';
import { useHeadingFocus } from './use-heading-focus';

// The chart is loaded when it is first drawn, wherever this page is bundled.
const ScorePlot = lazy(() => import('./score-plot'));

const texts = recordTexts.review;

interface StudentViewProps {
  id: string;
  store: WallStore;
  door: Door;
  config: WallConfig | null;
  onBack: () => void;
  onReport: () => void;
}

export function StudentView({ id, store, door, config, onBack, onReport }: StudentViewProps) {
  const heading = useHeadingFocus();
  const { session, record, items, refresh } = useStudent(id, store, door);
  const exam = store.exam() ?? config?.exam ?? null;
  const plotted = useMemo(
    () =>
      record.session === null
        ? null
        : series({ entries: record.entries, session: record.session, complete: record.complete, now: serverNow(store) }),
    [record, store],
  );
  const save = (make: (from: RecordExport) => ExportFile) => {
    if (exam !== null && session !== null) {
      saveFile(make({ exam, session, entries: record.entries, now: serverNow(store) }));
    }
  };

  return (
    <div className="review">
      <ReviewHead exam={exam}>
        <button type="button" onClick={onBack}>
          ← {texts.back}
        </button>
      </ReviewHead>
      <main className="review-main">
        <div className="review-title">
          <div>
            <h1 ref={heading} tabIndex={-1}>
              {session?.name ?? id}
            </h1>
            <p className="soft">{recordTexts.panel.student({ id })}</p>
          </div>
          <div className="actions">
            <button
              type="button"
              disabled={session === null}
              onClick={() => {
                save(recordCsv);
              }}
            >
              {texts.exportCsv}
            </button>
            <button
              type="button"
              disabled={session === null}
              onClick={() => {
                save(recordJson);
              }}
            >
              {texts.exportJson}
            </button>
            <button type="button" className="primary" disabled={session === null} onClick={onReport}>
              {texts.print}
            </button>
          </div>
        </div>
        <RecordProgress record={record} onAgain={refresh} />
        {session !== null && (
          <div className="student-grid">
            <section className="part">
              <h2>{texts.facts}</h2>
              <dl className="facts">
                <div>
                  <dt>{recordTexts.panel.state}</dt>
                  <dd>{stateName(session.state)}</dd>
                </div>
                <div>
                  <dt>{recordTexts.panel.score}</dt>
                  <dd className="time">{session.score}</dd>
                </div>
                <div>
                  <dt>{recordTexts.panel.level}</dt>
                  <dd>
                    <LevelBadge level={session.level} />
                  </dd>
                </div>
              </dl>
              <h3>{recordTexts.coverage.title}</h3>
              <CoverageSummary coverage={session.coverage} />
              <h3>{recordTexts.panel.counts}</h3>
              <ViolationCounts session={session} />
            </section>
            <section className="part wide">
              <h2>{texts.plot}</h2>
              {plotted !== null && plotted.until > plotted.from ? (
                <>
                  <Suspense fallback={<p className="plot-wait soft">{texts.plotLoading}</p>}>
                    <ScorePlot series={plotted} name={session.name} {...(config === null ? {} : { levels: config.policy.levels })} />
                  </Suspense>
                  <PlotTable series={plotted} />
                </>
              ) : (
                <p className="soft">{texts.plotEmpty}</p>
              )}
            </section>
            <section className="part wide">
              <h2>{texts.evidence}</h2>
              {config !== null && config.evidence === undefined && items.length === 0 ? (
                <p className="soft">{recordTexts.timeline.noEvidence}</p>
              ) : (
                <TimelineList items={items} />
              )}
            </section>
          </div>
        )}
      </main>
    </div>
  );
}
