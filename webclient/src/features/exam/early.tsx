import { dayAndTime, duration } from '../../core/format';
import { texts } from '../../core/messages';
import type { State } from '../../core/session';
import { useHeadingFocus } from './use-heading-focus';
import { useNow } from './use-now';

/** Before the exam opens: counts down, and the page goes on by itself. */
export function Early({ state, until }: { state: State; until: number }) {
  const heading = useHeadingFocus();
  const now = useNow();
  const { title, body, opensAt, opensIn, now: anyMoment } = texts.early;
  // The server's own word where there is one: the page joins a little later than
  // that, so that not all come in the same second.
  const told = state.exam?.opensAt ?? 0;
  const at = told > 0 ? told - state.clockOffsetMs : until;
  const left = at - now;

  return (
    <div className="countdown">
      <h1 ref={heading} tabIndex={-1}>
        {title}
      </h1>
      <p className="big" role="timer">
        <span className="label">{left > 0 ? opensIn : anyMoment}</span>
        {left > 0 && <span className="time">{duration(left)}</span>}
      </p>
      <p>{opensAt({ at: dayAndTime(at) })}</p>
      <p className="soft">{body}</p>
    </div>
  );
}
