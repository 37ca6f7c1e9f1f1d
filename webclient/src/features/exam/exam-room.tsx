import { texts } from '../../core/messages';
import type { State } from '../../core/session';
import { CameraPanel } from './camera-panel';
import { ConnectionState } from './connection-state';
import { MessageNote } from './message-note';
import { Quiz } from './quiz';
import { Mark } from './shell';
import { TimeLeft } from './time-left';
import { WarningNote } from './warning-note';

interface ExamRoomProps {
  state: State;
  stream: MediaStream | null;
  onDismiss: () => void;
  onRead: (message: number) => void;
  onCamera: () => void;
}

export function ExamRoom({ state, stream, onDismiss, onRead, onCamera }: ExamRoomProps) {
  const { exam, admission, warning, paused } = state;

  return (
    <div className="room">
      <header className="room-head">
        <Mark />
        <div className="who">
          <h1>{exam?.title ?? texts.examFallback}</h1>
          <p>{admission?.student.name}</p>
        </div>
        <ConnectionState phase={state.phase.name} />
        <TimeLeft
          exam={exam}
          clockOffsetMs={state.clockOffsetMs}
          extraTimeMs={admission?.student.extraTimeMs ?? 0}
        />
      </header>
      {/* Always present: a live region that appears with its text is not read out. */}
      <div className="notes" role="status" aria-live="polite">
        {state.phase.name === 'interrupted' && <p className="note calm">{texts.room.interruptedLong}</p>}
        {paused && <p className="note calm">{texts.room.paused}</p>}
        {state.messages.map((message) => (
          <MessageNote
            key={message.id}
            message={message}
            onRead={() => {
              onRead(message.id);
            }}
          />
        ))}
        {warning !== null && <WarningNote key={warning.id} warning={warning} onDismiss={onDismiss} />}
      </div>
      <main className="room-main">
        <Quiz state={state} />
      </main>
      <CameraPanel camera={state.camera} stream={stream} onCamera={onCamera} />
    </div>
  );
}
