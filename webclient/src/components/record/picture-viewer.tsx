import { useEffect, useRef } from 'react';

import { recordTexts } from '../../core/record/messages';
import type { Enlarged } from './record-context';
import { usePicture } from './use-picture';

/** One picture as large as the window allows. The browser gives the focus back on close. */
export function PictureViewer({ shown, onClose }: { shown: Enlarged; onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const state = usePicture(shown.picture.sha256, true);
  useEffect(() => {
    const element = dialog.current;
    element?.showModal();

    return () => {
      element?.close();
    };
  }, []);

  return (
    <dialog
      ref={dialog}
      className="viewer"
      aria-label={shown.alt}
      onClose={onClose}
      onKeyDown={(event) => {
        // Escape closes the picture, and not what it was opened from.
        event.stopPropagation();
      }}
    >
      {state.is === 'shown' && <img src={state.url} alt={shown.alt} />}
      <p className="viewer-foot">
        <span>{shown.alt}</span>
        <button
          type="button"
          onClick={() => {
            dialog.current?.close();
          }}
        >
          {recordTexts.picture.close}
        </button>
      </p>
    </dialog>
  );
}
