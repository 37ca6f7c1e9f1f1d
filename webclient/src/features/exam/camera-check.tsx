import { useId } from 'react';

import { entranceOf } from '../../core/check';
import { list } from '../../core/format';
import { texts } from '../../core/messages';
import type { State } from '../../core/session';
import { CameraPicture } from './camera-picture';
import { DeviceCheck } from './device-check';
import { useHeadingFocus } from './use-heading-focus';

interface CameraCheckProps {
  state: State;
  stream: MediaStream | null;
  onCamera: (id: string) => void;
  onAgain: () => void;
  onEnter: () => void;
}

const SUMMARIES = {
  open: texts.ready.summaryOpen,
  advised: texts.ready.summaryAdvised,
  closed: texts.ready.summaryClosed,
};

/** The own picture and the device check. Advice is advice: only no way at all keeps the door closed. */
export function CameraCheck({ state, stream, onCamera, onAgain, onEnter }: CameraCheckProps) {
  const heading = useHeadingFocus();
  const { again, enter, enterAnyway, lead, title } = texts.ready;
  const entrance = entranceOf(state);

  return (
    <>
      <h1 ref={heading} tabIndex={-1}>
        {title}
      </h1>
      <p className="lead">{lead}</p>
      <div className="check">
        <div className="check-picture">
          <CameraPicture stream={stream} />
          <CameraSelect state={state} onCamera={onCamera} />
        </div>
        <DeviceCheck state={state} />
      </div>
      {entrance === 'closed' && <Helpdesk targets={state.path.targets} />}
      <p role="status" className="summary">
        {SUMMARIES[entrance]}
      </p>
      <div className="actions">
        {entrance !== 'closed' && (
          <button type="button" className="primary" onClick={onEnter}>
            {entrance === 'open' ? enter : enterAnyway}
          </button>
        )}
        {state.path.state === 'done' && (
          <button type="button" className={entrance === 'closed' ? 'primary' : ''} onClick={onAgain}>
            {again}
          </button>
        )}
      </div>
    </>
  );
}

function CameraSelect({ state, onCamera }: Pick<CameraCheckProps, 'state' | 'onCamera'>) {
  const id = useId();
  const { cameras, chosenCamera } = state;
  if (cameras.length < 2) {
    return null;
  }

  return (
    <div className="camera-select">
      <label htmlFor={id}>{texts.ready.chooseCamera}</label>
      <select
        id={id}
        value={chosenCamera ?? ''}
        onChange={({ target }) => {
          onCamera(target.value);
        }}
      >
        {cameras.map(({ id: camera, label }, index) => (
          <option key={camera} value={camera}>
            {label === '' ? texts.ready.unnamedCamera({ number: index + 1 }) : label}
          </option>
        ))}
      </select>
    </div>
  );
}

function Helpdesk({ targets }: { targets: readonly string[] }) {
  return (
    <div className="helpdesk" role="alert">
      <p>{texts.ready.helpTitle}</p>
      <p className="quote">{texts.ready.help({ targets: list(targets) })}</p>
    </div>
  );
}
