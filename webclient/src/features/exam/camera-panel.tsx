import { useState } from 'react';

import { texts } from '../../core/messages';
import type { State } from '../../core/session';
import { CameraPicture } from './camera-picture';

interface CameraPanelProps {
  camera: State['camera'];
  stream: MediaStream | null;
  onCamera: () => void;
}

/** The own picture in the exam. Hiding it hides it here only, and says so. */
export function CameraPanel({ camera, stream, onCamera }: CameraPanelProps) {
  const [shown, setShown] = useState(true);
  if (camera === 'ended') {
    return (
      <aside className="camera" aria-label={texts.ready.alt}>
        <p role="alert">{texts.room.cameraEnded}</p>
        <button type="button" className="primary" onClick={onCamera}>
          {texts.room.cameraAgain}
        </button>
      </aside>
    );
  }

  return (
    <aside className="camera" aria-label={texts.ready.alt}>
      {shown ? <CameraPicture stream={stream} /> : <p className="small">{texts.room.hidden}</p>}
      <button
        type="button"
        onClick={() => {
          setShown(!shown);
        }}
      >
        {shown ? texts.room.hide : texts.room.show}
      </button>
    </aside>
  );
}
