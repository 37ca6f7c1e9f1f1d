import { duration, timeOfDay } from '../../core/format';
import { texts } from '../../core/messages';

interface WaitingRoomProps {
  /** Both by the server's clock. */
  startsAt: number;
  now: number;
  /** The server's clock minus the page's. */
  clockOffsetMs: number;
}

/** In the room, before the start. */
export function WaitingRoom({ startsAt, now, clockOffsetMs }: WaitingRoomProps) {
  const { body, startsAt: starts, title } = texts.waitingRoom;

  return (
    <div className="countdown in-room">
      <h2>{title}</h2>
      <p className="big" role="timer">
        <span className="label">{texts.room.startsIn}</span>
        <span className="time">{duration(startsAt - now)}</span>
      </p>
      <p>{starts({ at: timeOfDay(startsAt - clockOffsetMs) })}</p>
      <p className="soft">{body}</p>
    </div>
  );
}
