import { actionNames, recordTexts, refusalText, serverSaysMore } from '../../core/record/messages';
import type { Act } from '../../core/record/desk';
import { clock } from '../../core/record/format';

const texts = recordTexts.actions;

/** What became of what was sent, the newest first; read out when it changes. */
export function ActNotes({ acts, onAgain }: { acts: readonly Act[]; onAgain: (id: number) => void }) {
  return (
    // Always present: a live region that appears with its text is not read out.
    <div role="log" aria-live="polite" aria-label={texts.title}>
      <ul className="acts">
        {[...acts].reverse().map((act) => (
          <li key={act.id} className="act" data-outcome={act.outcome.is}>
            <span>{wordsOf(act)}</span>
            {act.outcome.is === 'refused' && act.outcome.again && (
              <button
                type="button"
                onClick={() => {
                  onAgain(act.id);
                }}
              >
                {texts.again}
              </button>
            )}
          </li>
        ))}
      </ul>
    </div>
  );
}

function wordsOf({ request, outcome }: Act): string {
  const what = actionNames[request.kind];
  switch (outcome.is) {
    case 'pending':
      return texts.pending({ what });
    case 'taken':
      return texts.taken({ what, at: clock(outcome.at) });
    case 'refused': {
      const said = serverSaysMore(outcome.code) ? ` ${outcome.said}` : '';

      return texts.refused({ what, why: refusalText(outcome.code) + said });
    }
  }
}
