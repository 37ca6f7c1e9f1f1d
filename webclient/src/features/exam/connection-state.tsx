import { texts } from '../../core/messages';
import type { Phase } from '../../core/session';

const LABELS: Partial<Record<Phase['name'], { label: string; long: string }>> = {
  connecting: { label: texts.room.connecting, long: texts.room.connectingLong },
  live: { label: texts.room.live, long: texts.room.liveLong },
  interrupted: { label: texts.room.interrupted, long: texts.room.interruptedLong },
};

/** Said in words and by shape; the colour only repeats it. */
export function ConnectionState({ phase }: { phase: Phase['name'] }) {
  const text = LABELS[phase];

  return (
    <p className={`connection ${phase}`} role="status" title={text?.long}>
      <span className="dot" aria-hidden="true" />
      {text?.label}
    </p>
  );
}
