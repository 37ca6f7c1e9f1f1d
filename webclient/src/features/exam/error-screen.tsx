import { duration } from '../../core/format';
import { errorText, texts } from '../../core/messages';
import { useHeadingFocus } from './use-heading-focus';
import { useNow } from './use-now';

interface ErrorScreenProps {
  code: string;
  /** When the page tries again by itself. */
  retryAt: number | null;
  onRetry?: () => void;
}

export function ErrorScreen({ code, retryAt, onRetry }: ErrorScreenProps) {
  const heading = useHeadingFocus();
  const { title, what, todo, retry } = errorText(code);

  return (
    <>
      <h1 ref={heading} tabIndex={-1}>
        {title}
      </h1>
      <p className="lead">{what}</p>
      <p>{todo}</p>
      {retryAt !== null && <NextTry at={retryAt} />}
      {retry !== undefined && onRetry !== undefined && (
        <button type="button" className="primary" onClick={onRetry}>
          {retry}
        </button>
      )}
      <p className="code">
        {texts.error.code} <code>{code}</code>
      </p>
    </>
  );
}

function NextTry({ at }: { at: number }) {
  const now = useNow();

  return (
    <p>
      {texts.error.opensIn} <span className="time">{duration(at - now)}</span>
    </p>
  );
}
