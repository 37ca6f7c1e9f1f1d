import { recordTexts, violationName } from '../../core/record/messages';
import { countsOf } from '../../core/record/summary';
import type { FeedSession } from '../../core/wire-invigilator';

const texts = recordTexts.panel;

/** What was counted, by type, and what the server saw itself. */
export function ViolationCounts({ session }: { session: FeedSession }) {
  const counts = countsOf(session);
  const { observations = [] } = session;

  return (
    <>
      {counts.length === 0 ? (
        <p className="soft">{texts.countsNone}</p>
      ) : (
        <dl className="counts">
          {counts.map((count) => (
            <div key={count.type}>
              <dt>{violationName(count.type)}</dt>
              <dd>{texts.counted(count)}</dd>
            </div>
          ))}
        </dl>
      )}
      {observations.length > 0 && (
        <>
          <h4>{texts.observations}</h4>
          <dl className="counts">
            {observations.map(({ type, count }) => (
              <div key={type}>
                <dt>{violationName(type)}</dt>
                <dd>{count}</dd>
              </div>
            ))}
          </dl>
        </>
      )}
    </>
  );
}
