import { texts } from '../../core/messages';

export function Notice({ onStart }: { onStart: () => void }) {
  const { title, lead, points, next, start } = texts.notice;

  return (
    <>
      <h1>{title}</h1>
      <p className="lead">{lead}</p>
      <dl className="points">
        {points.map(([name, body]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{body}</dd>
          </div>
        ))}
      </dl>
      <p id="start-hint">{next}</p>
      <button type="button" className="primary" aria-describedby="start-hint" onClick={onStart}>
        {start}
      </button>
    </>
  );
}
