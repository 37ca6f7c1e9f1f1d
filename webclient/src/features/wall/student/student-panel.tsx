import { useId, type ReactNode } from 'react';

import { ActNotes } from '../../../components/record/act-notes';
import { CoverageSummary } from '../../../components/record/coverage-summary';
import { RecordFrame } from '../../../components/record/record-frame';
import { RecordProgress } from '../../../components/record/record-state';
import { TimelineList } from '../../../components/record/timeline-list';
import { useConfig } from '../../../components/record/use-config';
import { useStudent, type Student } from '../../../components/record/use-student';
import { ViolationCounts } from '../../../components/record/violation-counts';
import { recordTexts } from '../../../core/record/messages';
import type { News } from '../../../core/record/record-log';
import { isOver } from '../../../core/record/summary';
import type { Door } from '../../../core/wall/door';
import { DismissAction } from './dismiss-action';
import { PanelFacts } from './panel-facts';
import { StudentActions } from './student-actions';
import { usePanelFocus } from './use-panel-focus';

const texts = recordTexts.panel;

interface StudentPanelProps {
  id: string;
  store: News;
  door: Door;
  /** The student's live picture, large. */
  video: (id: string) => ReactNode;
  onClose: () => void;
}

/**
 * One student beside the wall, which stays usable: no modal dialog. The focus goes
 * to the heading, and on close back to where it came from.
 */
export function StudentPanel({ id, store, door, video, onClose }: StudentPanelProps) {
  const title = useId();
  const student = useStudent(id, store, door);
  const config = useConfig(door);
  const { panel, heading, close, onKeyDown, onFocus } = usePanelFocus(id, onClose);
  const name = student.session?.name ?? id;

  return (
    <section
      ref={panel}
      className="student-panel"
      role="dialog"
      aria-labelledby={title}
      onKeyDown={onKeyDown}
      onFocus={onFocus}
    >
      <div className="panel-head">
        <div>
          <h2 id={title} ref={heading} tabIndex={-1}>
            {name}
          </h2>
          <p className="soft">{texts.student({ id })}</p>
        </div>
        <button type="button" onClick={close}>
          {texts.close}
        </button>
      </div>
      <RecordFrame key={id} source={door}>
        <div className="panel-video">{video(id)}</div>
        <Body student={student} id={id} name={name} kept={config === null || config.evidence !== undefined} />
      </RecordFrame>
    </section>
  );
}

function Body({ student, id, name, kept }: { student: Student; id: string; name: string; kept: boolean }) {
  const { session, record, items, acts, desk, refresh } = student;
  if (session === null) {
    return <RecordProgress record={record} onAgain={refresh} />;
  }

  return (
    <>
      <PanelFacts session={session} />
      <section className="panel-part">
        <h3>{recordTexts.actions.title}</h3>
        {isOver(session) ? (
          <p className="soft">{recordTexts.actions.over}</p>
        ) : (
          <StudentActions id={id} name={name} state={session.state} hasEnd={(session.endsAt ?? 0) > 0} onAct={desk.act} />
        )}
        <ActNotes
          acts={acts}
          onAgain={(act) => {
            void desk.again(act);
          }}
        />
      </section>
      <section className="panel-part">
        <h3>{recordTexts.coverage.title}</h3>
        <CoverageSummary coverage={session.coverage} />
      </section>
      <section className="panel-part">
        <h3>{texts.counts}</h3>
        <ViolationCounts session={session} />
      </section>
      <section className="panel-part">
        <h3>{recordTexts.timeline.title}</h3>
        <p>
          <a href={`./review?student=${encodeURIComponent(id)}`} target="_blank" rel="noopener">
            {texts.review}
          </a>
        </p>
        <RecordProgress record={record} onAgain={refresh} />
        {kept || items.length > 0 ? (
          <TimelineList
            items={items}
            actions={(item) =>
              isOver(session) || item.dismissed !== null ? null : <DismissAction item={item} onAct={desk.act} />
            }
          />
        ) : (
          <p className="soft">{recordTexts.timeline.noEvidence}</p>
        )}
      </section>
    </>
  );
}
