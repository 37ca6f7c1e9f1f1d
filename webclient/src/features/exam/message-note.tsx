import { texts } from '../../core/messages';
import type { Message } from '../../core/session';

/** What an invigilator has written, until the student has read it. */
export function MessageNote({ message, onRead }: { message: Message; onRead: () => void }) {
  const { title, warningTitle, dismiss } = texts.message;

  return (
    <div className={message.warning ? 'note warning' : 'note message'}>
      <p>
        <strong>{message.warning ? warningTitle : title}:</strong> {message.text}
      </p>
      <button type="button" onClick={onRead}>
        {dismiss}
      </button>
    </div>
  );
}
