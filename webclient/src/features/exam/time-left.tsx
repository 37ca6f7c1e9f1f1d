import { duration, minutes as inMinutes, span } from '../../core/format';
import { texts } from '../../core/messages';
import type { ExamInfo } from '../../core/wire';
import { useNow } from './use-now';

const MINUTE_MS = 60_000;
/** When the time left is read out: a clock that speaks each second helps nobody. */
const ANNOUNCED_MINUTES = [30, 10, 5, 1];

interface TimeLeftProps {
  exam: ExamInfo | null;
  clockOffsetMs: number;
  /** Part of the time left already. */
  extraTimeMs: number;
}

export function TimeLeft({ exam, clockOffsetMs, extraTimeMs }: TimeLeftProps) {
  const now = useNow() + clockOffsetMs;
  const startsAt = exam?.startsAt ?? 0;
  const endsAt = exam?.endsAt ?? 0;
  if (now < startsAt) {
    return <Clock label={texts.room.startsIn} value={duration(startsAt - now)} />;
  }
  if (endsAt === 0) {
    return <p className="clock quiet">{texts.room.noEnd}</p>;
  }
  const left = endsAt - now;
  const minutes = Math.ceil(left / MINUTE_MS);

  return (
    <>
      {left > 0 ? (
        <Clock
          label={texts.room.timeLeft}
          value={duration(left)}
          {...(extraTimeMs > 0 ? { hint: texts.room.withExtra({ time: span(extraTimeMs) }) } : {})}
        />
      ) : (
        <p className="clock">{texts.room.timeUp}</p>
      )}
      <p className="for-readers" role="status">
        {ANNOUNCED_MINUTES.includes(minutes) ? texts.room.remaining({ time: inMinutes(minutes) }) : ''}
      </p>
    </>
  );
}

function Clock({ label, value, hint }: { label: string; value: string; hint?: string }) {
  return (
    <p className="clock">
      <span className="label">{label}</span> <span className="time">{value}</span>
      {hint !== undefined && <span className="label"> {hint}</span>}
    </p>
  );
}
