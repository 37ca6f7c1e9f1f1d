import { texts } from '../../core/messages';
import { serverNow, type State } from '../../core/session';
import { quizFrame } from './quiz-frame';
import { useNow } from './use-now';

export function Quiz({ state }: { state: State }) {
  const now = serverNow(state, useNow());
  const contentURL = state.exam?.contentURL ?? '';
  if (contentURL !== '' && now < (state.exam?.startsAt ?? 0)) {
    return <p className="no-quiz">{texts.room.notYet}</p>;
  }
  const frame = quizFrame(contentURL, location.origin);
  if (frame === null) {
    return <p className="no-quiz">{texts.room.noQuiz}</p>;
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
