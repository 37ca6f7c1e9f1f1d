import type { ReactNode } from 'react';

import { TimelineRow } from '../../components/record/timeline-row';
import { dateAndClock } from '../../core/record/format';
import { recordTexts, violationName } from '../../core/record/messages';
import { countsOf } from '../../core/record/summary';
import { violationsOf, type TimelineItem } from '../../core/record/timeline';
import type { FeedSession, RecordEntry } from '../../core/wire-invigilator';

const texts = recordTexts.report;

interface ReportRecordProps {
  session: FeedSession;
  items: readonly TimelineItem[];
  entries: readonly RecordEntry[];
}

/** The record by kind, each in the order in which it happened. */
export function ReportRecord({ session, items, entries }: ReportRecordProps) {
  const oldest = items.toReversed();
  const dismissed = violationsOf(oldest).filter((item) => item.dismissed !== null);
  const last = entries.at(-1);

  return (
    <>
      <section>
        <h2>{texts.violations}</h2>
        <Counts session={session} />
        <Rows items={oldest.filter((item) => item.is === 'violation')} none={texts.noViolations} />
      </section>
      <section>
        <h2>{texts.dismissals}</h2>
        {dismissed.length === 0 && <p>{texts.noDismissals}</p>}
        <ul>
          {dismissed.map(({ id, violation, dismissed: by }) => (
            <li key={id}>
              {violationName(violation.type)} {texts.number({ number: violation.number ?? 0 })}:{' '}
              {by !== null &&
                `${recordTexts.timeline.dismissed({ by: by.by, at: dateAndClock(by.at) })}. ${recordTexts.timeline.reason(by)}`}
            </li>
          ))}
        </ul>
      </section>
      <section>
        <h2>{texts.actions}</h2>
        <Rows items={oldest.filter((item) => item.is === 'action')} none={texts.noActions} />
      </section>
      <section>
        <h2>{texts.observations}</h2>
        <Rows items={oldest.filter((item) => item.is === 'observation')} none={texts.noObservations} />
      </section>
      <section>
        <h2>{texts.states}</h2>
        <Rows items={oldest.filter((item) => item.is === 'state')} none={texts.noStates} />
      </section>
      <Looks items={oldest.filter((item) => item.is === 'look')} />
      <section className="together">
        <h2>{texts.head}</h2>
        <p>
          {last === undefined ? texts.headNone : texts.headLine({ count: entries.length, seq: last.seq, id: last.id })}{' '}
          {last !== undefined && texts.headProof}
        </p>
      </section>
    </>
  );
}

function Counts({ session }: { session: FeedSession }): ReactNode {
  const counts = countsOf(session);
  if (counts.length === 0) {
    return null;
  }

  return (
    <table className="report-counts">
      <thead>
        <tr>
          <th scope="col">{texts.types.type}</th>
          <th scope="col" className="figure">
            {texts.types.count}
          </th>
          <th scope="col" className="figure">
            {texts.types.dismissed}
          </th>
        </tr>
      </thead>
      <tbody>
        {counts.map(({ type, count, dismissed }) => (
          <tr key={type}>
            <th scope="row">{violationName(type)}</th>
            <td className="figure">{count}</td>
            <td className="figure">{dismissed}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Rows({ items, none }: { items: readonly TimelineItem[]; none: string }) {
  return items.length === 0 ? (
    <p>{none}</p>
  ) : (
    <ol className="timeline">
      {items.map((item) => (
        <TimelineRow key={item.id} item={item} />
      ))}
    </ol>
  );
}

function Looks({ items }: { items: readonly TimelineItem[] }) {
  return items.length === 0 ? null : (
    <section>
      <h2>{texts.random}</h2>
      <ol className="timeline looks">
        {items.map((item) => (
          <TimelineRow key={item.id} item={item} />
        ))}
      </ol>
    </section>
  );
}
