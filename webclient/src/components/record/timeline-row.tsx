import type { ReactNode } from 'react';

import { clock, dateAndClock, lasted, shortName } from '../../core/record/format';
import {
  actionNames,
  levelNames,
  recordTexts,
  severityName,
  stateName,
  violationName,
  whyText,
} from '../../core/record/messages';
import { levelOf } from '../../core/record/summary';
import type { TimelineItem, ViolationItem } from '../../core/record/timeline';
import { EvidencePair, EvidencePicture, Taken } from './evidence-pair';
import { useRecordView } from './record-context';
import { SeverityMark } from './severity-mark';

const texts = recordTexts.timeline;

export function TimelineRow({ item, actions }: { item: TimelineItem; actions?: ReactNode }) {
  const { paper } = useRecordView();

  return (
    // Can take the focus of a button in it that goes.
    <li className="event" data-event={item.is} tabIndex={-1}>
      <time className="time" dateTime={new Date(item.at).toISOString()} title={dateAndClock(item.at)}>
        {paper ? dateAndClock(item.at) : clock(item.at)}
      </time>
      <div className="event-body">
        <Body item={item} />
        {actions}
      </div>
    </li>
  );
}

function Body({ item }: { item: TimelineItem }) {
  switch (item.is) {
    case 'violation':
      return <Violation item={item} />;
    case 'observation':
      return (
        <>
          <p className="event-title">{violationName(item.observation.type)}</p>
          <p className="soft">
            {texts.observed}
            {item.observation.detail === undefined ? '' : `: ${item.observation.detail}`}
          </p>
        </>
      );
    case 'state':
      return (
        <>
          <p className="event-title">{texts.state({ from: stateName(item.state.from), to: stateName(item.state.to) })}</p>
          {(item.state.why ?? '') !== '' && <p className="soft">{texts.because({ why: whyText(item.state.why ?? '') })}</p>}
        </>
      );
    case 'action':
      return <Action item={item} />;
    case 'look':
      return (
        <>
          <p className="event-title">{item.check.type === 'random' ? texts.random : texts.strayPicture}</p>
          <div className="single">
            <EvidencePicture
              evidence={item.evidence}
              alt={recordTexts.picture.serverAlt({ what: texts.random, at: clock(item.at) })}
              none=""
            />
          </div>
          {item.evidence.is === 'picture' && (
            <p className="small">
              <Taken picture={item.evidence.picture} />
            </p>
          )}
        </>
      );
  }
}

function Violation({ item }: { item: ViolationItem }) {
  const { violation, dismissed } = item;
  const { severity, number = 0 } = violation;
  const { paper } = useRecordView();

  return (
    <>
      <p className="event-title">
        <SeverityMark severity={severity} dismissed={dismissed !== null} />
        <span>
          {violationName(violation.type)}
          {number > 0 && <span className="soft"> {recordTexts.report.number({ number })}</span>}
        </span>
      </p>
      <p className="soft">{violationFacts(item)}</p>
      {dismissed !== null && (
        <p className="dismissed">
          <strong>{texts.dismissed({ by: paper ? dismissed.by : shortName(dismissed.by), at: clock(dismissed.at) })}</strong> {texts.reason(dismissed)}
        </p>
      )}
      <EvidencePair item={item} />
    </>
  );
}

/** Severity, duration, score: in words, and what is not known. */
export function violationFacts({ violation }: ViolationItem): string {
  const severity = texts.severity({ severity: severityName(violation.severity) });
  if (violation.recovered === true) {
    return `${severity}. ${texts.recovered}`;
  }
  const { lastedMs, score, level } = violation;

  return [severity, texts.lasted({ time: lasted(lastedMs) }), texts.scoreAfter({ score, level: levelNames[levelOf(level)] })].join(', ');
}

function Action({ item }: { item: Extract<TimelineItem, { is: 'action' }> }) {
  const { action, about } = item;
  const { minutes = 0, text = '', reason = '' } = action;
  const { paper } = useRecordView();

  return (
    <>
      <p className="event-title">
        {actionNames[action.kind]}
        {about !== null && `: ${texts.dismissal({ name: violationName(about.type), number: about.number ?? 0 })}`}
        {minutes > 0 && `: ${texts.minutes({ count: minutes })}`}
      </p>
      {text !== '' && <blockquote className="quote">{text}</blockquote>}
      {reason !== '' && <p>{texts.reason({ reason })}</p>}
      <p className="soft" title={action.by}>
        {texts.by({ by: paper ? action.by : shortName(action.by) })}
      </p>
    </>
  );
}
