import { useEffect, useRef, useState } from 'react';

import { useRecordView } from '../../components/record/record-context';

/** How often it is looked whether the pictures are there. */
const LOOK_MS = 150;

/**
 * Prints once, as soon as everything is there: the record and its pictures.
 * Returns how many pictures are still loading.
 */
export function usePrint(shas: readonly string[], recordRead: boolean): number {
  const { pictures } = useRecordView();
  const [left, setLeft] = useState(shas.length);
  const printed = useRef(false);
  useEffect(() => {
    if (!recordRead) {
      return undefined;
    }
    const timer = window.setInterval(() => {
      const loading = shas.filter((sha) => pictures.getState(sha).is === 'loading').length;
      setLeft(loading);
      if (loading === 0) {
        window.clearInterval(timer);
        if (!printed.current) {
          printed.current = true;
          window.print();
        }
      }
    }, LOOK_MS);

    return () => {
      window.clearInterval(timer);
    };
  }, [shas, recordRead, pictures]);

  return left;
}
