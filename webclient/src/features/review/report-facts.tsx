import type { ReactNode } from 'react';

import { dateAndClock } from '../../core/record/format';
import { levelNames, recordTexts, stateName } from '../../core/record/messages';
import { levelOf } from '../../core/record/summary';
import type { ExamInfo } from '../../core/wire';
import type { FeedSession, RecordEntry } from '../../core/wire-invigilator';

const texts = recordTexts.report;

interface ReportFactsProps {
  exam: ExamInfo;
  session: FeedSession;
  entries: readonly RecordEntry[];
}

/** Who, which exam, when, and by which rules. */
export function ReportFacts({ exam, session, entries }: ReportFactsProps) {
  const times = entries.map(({ at }) => at);
  const { startsAt = 0, endsAt = 0 } = exam;
  const { joinedAt = 0 } = session;
  const level = levelNames[levelOf(session.level)];

  return (
    <dl className="report-facts">
      <Fact name={texts.exam}>{exam.title}</Fact>
      <Fact name={texts.examId}>
        {exam.namespace}/{exam.name}
      </Fact>
      <Fact name={texts.student}>{session.name}</Fact>
      <Fact name={texts.studentId}>{session.student}</Fact>
      {startsAt > 0 && <Fact name={texts.starts}>{dateAndClock(startsAt)}</Fact>}
      {endsAt > 0 && <Fact name={texts.examEnds}>{dateAndClock(endsAt)}</Fact>}
      {joinedAt > 0 && <Fact name={texts.joined}>{dateAndClock(joinedAt)}</Fact>}
      <Fact name={texts.ends}>{(session.endsAt ?? 0) === 0 ? recordTexts.panel.noEnd : dateAndClock(session.endsAt ?? 0)}</Fact>
      {times.length > 0 && (
        <>
          <Fact name={texts.from}>{dateAndClock(Math.min(...times))}</Fact>
          <Fact name={texts.until}>{dateAndClock(Math.max(...times))}</Fact>
        </>
      )}
      <Fact name={texts.state}>{stateName(session.state)}</Fact>
      <Fact name={texts.result}>{texts.resultLine({ score: session.score, level })}</Fact>
      <Fact name={texts.policy}>{session.policyVersion ?? texts.policyUnknown}</Fact>
    </dl>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
