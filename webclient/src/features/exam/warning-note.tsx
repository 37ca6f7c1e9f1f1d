import { timeOfDay } from '../../core/format';
import { texts, warningText } from '../../core/messages';
import type { Warning } from '../../core/session';

interface WarningNoteProps {
  warning: Warning;
  onDismiss: () => void;
}

export function WarningNote({ warning, onDismiss }: WarningNoteProps) {
  const { title, noted, dismiss } = texts.warning;
  const time = timeOfDay(warning.at);

  return (
    <div className="note warning" data-violation={warning.type}>
      <p>
        <strong>{title}:</strong> {warningText(warning.type)} <span className="small">{noted({ time })}</span>
      </p>
      <button type="button" onClick={onDismiss}>
        {dismiss}
      </button>
    </div>
  );
}
