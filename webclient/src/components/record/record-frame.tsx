import { useMemo, useState, type ReactNode } from 'react';

import { Pictures, type PictureSource } from '../../core/record/pictures';
import { browserTimers } from '../../core/timers';
import { PictureViewer } from './picture-viewer';
import { RecordContext, type Enlarged } from './record-context';
import './record.css';

const urls = {
  make: (blob: Blob) => URL.createObjectURL(blob),
  revoke: (url: string) => {
    URL.revokeObjectURL(url);
  },
};

interface RecordFrameProps {
  source: PictureSource;
  paper?: boolean;
  children: ReactNode;
}

/** Around everything that shows pictures of the record. */
export function RecordFrame({ source, paper = false, children }: RecordFrameProps) {
  const [enlarged, setEnlarged] = useState<Enlarged | null>(null);
  const view = useMemo(
    () => ({ pictures: new Pictures({ source, urls, timers: browserTimers }), enlarge: setEnlarged, paper }),
    [source, paper],
  );

  return (
    <RecordContext value={view}>
      {children}
      {enlarged !== null && (
        <PictureViewer
          shown={enlarged}
          onClose={() => {
            setEnlarged(null);
          }}
        />
      )}
    </RecordContext>
  );
}
