import { useHeadingFocus } from './use-heading-focus';

export function Waiting({ title, body }: { title: string; body: string }) {
  const heading = useHeadingFocus();

  return (
    <div className="waiting" role="status">
      <span className="pulse" aria-hidden="true" />
      <h1 ref={heading} tabIndex={-1}>
        {title}
      </h1>
      <p>{body}</p>
    </div>
  );
}
