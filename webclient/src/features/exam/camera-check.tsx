import { texts } from '../../core/messages';
import { CameraPicture } from './camera-picture';
import { useHeadingFocus } from './use-heading-focus';

interface CameraCheckProps {
  name: string;
  stream: MediaStream | null;
  onEnter: () => void;
}

export function CameraCheck({ name, stream, onEnter }: CameraCheckProps) {
  const heading = useHeadingFocus();
  const { title, greeting, hints, enter } = texts.ready;

  return (
    <>
      <h1 ref={heading} tabIndex={-1}>
        {title}
      </h1>
      <p className="lead">{greeting(name)}</p>
      <div className="check">
        <CameraPicture stream={stream} />
        <ul className="hints">
          {hints.map((hint) => (
            <li key={hint}>{hint}</li>
          ))}
        </ul>
      </div>
      <button type="button" className="primary" onClick={onEnter}>
        {enter}
      </button>
    </>
  );
}
