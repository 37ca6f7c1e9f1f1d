import { createContext, useContext } from 'react';

import type { Pictures } from '../../core/record/pictures';
import type { RecordPicture } from '../../core/wire-invigilator';

export interface Enlarged {
  picture: RecordPicture;
  alt: string;
}

/** Where pictures come from, and who shows one large. */
export interface RecordView {
  pictures: Pictures;
  enlarge: (shown: Enlarged) => void;
  /** For paper: pictures are loaded at once, named by their hash, and cannot be pressed. */
  paper: boolean;
}

export const RecordContext = createContext<RecordView | null>(null);

export function useRecordView(): RecordView {
  const view = useContext(RecordContext);
  if (view === null) {
    throw new Error('no RecordContext');
  }

  return view;
}
