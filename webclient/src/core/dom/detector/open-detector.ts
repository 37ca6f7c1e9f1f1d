// The detector on the browser's own parts.

import { Detector, type DetectorState } from '../../detector/detector';
import type { WorkerPort } from '../../detector/supervisor';
import type { Timers } from '../../timers';
import { frameSource } from './frame-source';

export interface DetectorCallbacks {
  onState: (state: DetectorState) => void;
  onLook: () => void;
}

export function openDetector(base: string, timers: Timers, random: () => number, callbacks: DetectorCallbacks): Detector {
  return new Detector({
    // A classic worker: the model's library needs importScripts.
    createWorker:
      typeof Worker === 'function'
        ? () => new Worker(new URL('./detector-worker.ts', import.meta.url)) as unknown as WorkerPort
        : null,
    source: frameSource,
    base,
    timers,
    random,
    log: (text) => {
      console.warn(text);
    },
    ...callbacks,
  });
}
