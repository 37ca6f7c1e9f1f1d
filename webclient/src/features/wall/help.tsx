import { useEffect, useRef } from 'react';

import { wallTexts } from '../../core/wall/messages';

const texts = wallTexts.keys;

interface HelpProps {
  /** Keys without Ctrl or Alt do something. */
  single: boolean;
  onSingle: (single: boolean) => void;
  onClose: () => void;
}

/** The list of keys, and the switch for those that a voice or a stray hand may press. */
export function Help({ single, onSingle, onClose }: HelpProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    dialog.current?.showModal();
  }, []);

  return (
    <dialog ref={dialog} className="help" aria-labelledby="help-title" onClose={onClose}>
      <h2 id="help-title">{texts.title}</h2>
      <dl>
        {texts.list.map(([keys, does]) => (
          <div key={keys}>
            <dt>
              <kbd>{keys}</kbd>
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
      <label className="switch">
        <input
          type="checkbox"
          checked={single}
          onChange={({ target }) => {
            onSingle(target.checked);
          }}
        />
        {texts.single}
      </label>
      <button
        type="button"
        onClick={() => {
          dialog.current?.close();
        }}
      >
        {texts.close}
      </button>
    </dialog>
  );
}
