import { loadFailure, recordTexts } from '../../core/record/messages';
import type { RecordState } from '../../core/record/record-log';

const texts = recordTexts.timeline;

/** How far the record has been read, and what to do if it cannot be. */
export function RecordProgress({ record, onAgain }: { record: RecordState; onAgain: () => void }) {
  const { session, complete, failed } = record;

  return (
    <div className="record-state">
      <p role="status" className="soft">
        {failed === null && session === null && texts.loading}
        {failed === null && session !== null && !complete && texts.waiting}
        {failed !== null && loadFailure(failed)}
      </p>
      {failed !== null && (
        <button type="button" onClick={onAgain}>
          {texts.again}
        </button>
      )}
    </div>
  );
}
