import { texts } from '../../core/messages';
import type { Notice as NoticeInfo } from '../../core/wire';
import { noticePoints } from './notice-points';
import { useHeadingFocus } from './use-heading-focus';

interface NoticeProps {
  notice: NoticeInfo;
  onStart: () => void;
}

/** What is watched and kept, as it holds for this student; the button is the consent. */
export function Notice({ notice, onStart }: NoticeProps) {
  const heading = useHeadingFocus();
  const { title, lead, next, start } = texts.notice;

  return (
    <>
      <h1 ref={heading} tabIndex={-1}>
        {title}
      </h1>
      <p className="lead">{lead({ name: notice.student.name })}</p>
      <dl className="points">
        {noticePoints(notice).map(({ name, lines: [first, ...rest], items }) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              <p>{first}</p>
              {items !== undefined && (
                <ul className="watched">
                  {items.map((item) => (
                    <li key={item}>{item}</li>
                  ))}
                </ul>
              )}
              {rest.map((line) => (
                <p key={line}>{line}</p>
              ))}
            </dd>
          </div>
        ))}
      </dl>
      <p id="start-hint">{next}</p>
      <button type="button" className="primary" aria-describedby="start-hint" onClick={onStart}>
        {start}
      </button>
    </>
  );
}
