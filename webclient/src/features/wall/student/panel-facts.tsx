import { LevelBadge } from '../../../components/record/level-badge';
import { timeOfDay } from '../../../core/format';
import { recordTexts, stateName } from '../../../core/record/messages';
import type { FeedSession } from '../../../core/wire-invigilator';

const texts = recordTexts.panel;

export function PanelFacts({ session }: { session: FeedSession }) {
  const { state, score, level, endsAt = 0 } = session;

  return (
    <dl className="facts">
      <div>
        <dt>{texts.state}</dt>
        <dd>{stateName(state)}</dd>
      </div>
      <div>
        <dt>{texts.score}</dt>
        <dd className="time">{score}</dd>
      </div>
      <div>
        <dt>{texts.level}</dt>
        <dd>
          <LevelBadge level={level} />
        </dd>
      </div>
      <div>
        <dt>{texts.endsAt}</dt>
        <dd className="time">{endsAt === 0 ? texts.noEnd : timeOfDay(endsAt)}</dd>
      </div>
    </dl>
  );
}
