import { useCallback, useSyncExternalStore } from 'react';

import type { PictureState } from '../../core/record/pictures';
import { useRecordView } from './record-context';

/** A picture, fetched while it is wanted and dropped with the component. */
export function usePicture(sha256: string, wanted: boolean): PictureState {
  const { pictures } = useRecordView();
  const subscribe = useCallback(
    (told: () => void) => (wanted ? pictures.subscribe(sha256, told) : () => undefined),
    [pictures, sha256, wanted],
  );

  return useSyncExternalStore(subscribe, () => pictures.getState(sha256));
}
