import { useEffect, useState } from 'react';

import type { Door } from '../../core/wall/door';
import type { WallConfig } from '../../core/wire-invigilator';

const AGAIN_MS = 5_000;

/** The exam's configuration; null until it is there. */
export function useConfig(door: Pick<Door, 'config'>): WallConfig | null {
  const [config, setConfig] = useState<WallConfig | null>(null);
  useEffect(() => {
    let wanted = true;
    let timer: number | undefined;
    const ask = () => {
      door.config().then(
        (answer) => {
          if (wanted) {
            setConfig(answer);
          }
        },
        () => {
          // The page around this says what is wrong with its door.
          if (wanted) {
            timer = window.setTimeout(ask, AGAIN_MS);
          }
        },
      );
    };
    ask();

    return () => {
      wanted = false;
      window.clearTimeout(timer);
    };
  }, [door]);

  return config;
}
