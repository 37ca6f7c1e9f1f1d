import { texts } from '../../core/messages';
import { useHeadingFocus } from './use-heading-focus';

export function Finished() {
  const heading = useHeadingFocus();
  const { title, body, close } = texts.finished;

  return (
    <>
      <h1 ref={heading} tabIndex={-1}>
        {title}
      </h1>
      <p className="lead">{body}</p>
      <p>{close}</p>
    </>
  );
}
