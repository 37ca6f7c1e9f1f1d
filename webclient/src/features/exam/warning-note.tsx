import { texts, warningText } from '../../core/messages';
import type { Warning } from '../../core/session';

interface WarningNoteProps {
  warning: Warning;
  onDismiss: () => void;
}

export function WarningNote({ warning, onDismiss }: WarningNoteProps) {
  const { title, noted, dismiss } = texts.warning;
  const time = new Date(warning.at).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });

  return (
    <div className="note warning" data-violation={warning.type}>
      <p>
        <strong>{title}:</strong> {warningText(warning.type)} <span className="small">{noted(time)}</span>
      </p>
      <button type="button" onClick={onDismiss}>
        {dismiss}
      </button>
    </div>
  );
}
