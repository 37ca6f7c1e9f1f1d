import { texts } from '../../core/messages';
import { quizHasOwnTab, serverNow, type State } from '../../core/session';
import { quizFrame } from './quiz-frame';
import { useNow } from './use-now';
import { WaitingRoom } from './waiting-room';

export function Quiz({ state }: { state: State }) {
  const now = serverNow(state, useNow());
  const { clockOffsetMs, exam } = state;
  const startsAt = exam?.startsAt ?? 0;
  if (now < startsAt) {
    return <WaitingRoom startsAt={startsAt} now={now} clockOffsetMs={clockOffsetMs} />;
  }
  const frame = quizFrame(exam?.contentURL ?? '', location.origin);
  if (frame === null) {
    return <p className="no-quiz">{texts.room.noQuiz}</p>;
  }
  if (quizHasOwnTab(exam)) {
    return (
      <div className="no-quiz">
        <p>{texts.room.quizInTab}</p>
        <a className="primary" href={frame.src} target="_blank" rel="noopener noreferrer">
          {texts.room.openQuiz}
        </a>
      </div>
    );
  }

  return (
    <iframe
      className="quiz"
      title={texts.room.quiz}
      src={frame.src}
      sandbox={frame.sandbox}
      referrerPolicy="no-referrer"
    />
  );
}
