// Keeps one worker looking at the camera: feeds it the frames that it wants, and
// replaces it when it fails or stops answering.

import { Backoff } from '../backoff';
import type { Timers } from '../timers';
import type { EngineName } from './engines';
import type { Measures } from './measures';
import type { DetectorCode, Frame, FromWorker, ToWorker } from './protocol';

/** The part of a Worker that is used. */
export interface WorkerPort {
  onmessage: ((event: { data: FromWorker }) => void) | null;
  onerror: ((event: { message?: string }) => void) | null;
  postMessage(message: ToWorker, transfer?: Transferable[]): void;
  terminate(): void;
}

/** Where frames come from; dom/detector/frame-source.ts has the real ones. */
export interface FrameSource {
  /** The newest frame, or null when it has been given out already. May wait for one. */
  grab(): Promise<Frame | null>;
  close(): void;
}

export interface Health {
  status: 'off' | 'loading' | 'running' | 'pictureOnly' | 'restarting';
  engine: EngineName | null;
  code: DetectorCode | null;
}

export interface SupervisorOptions {
  /** null where there are no workers. */
  createWorker: (() => WorkerPort) | null;
  base: string;
  timers: Timers;
  random: () => number;
  onHealth: (health: Health) => void;
  onMeasures: (measures: Measures) => void;
  log: (text: string) => void;
}

/** The files are 6 MB, which a slow line takes a while for. */
const READY_MS = 120_000;
/** The first frame compiles the model. */
const FIRST_FRAME_MS = 30_000;
const FRAME_MS = 10_000;
const PICTURE_MS = 3_000;
/** After so many frames a worker counts as a good one. */
const GOOD_AFTER = 30;

export const OFF: Health = { status: 'off', engine: null, code: null };

export class Supervisor {
  private readonly options: SupervisorOptions;
  private readonly backoff: Backoff;
  private source: FrameSource | null = null;
  private taskModel: string | null = null;
  private worker: WorkerPort | null = null;
  private frames = 0;
  private watchdog: number | null = null;
  private restartTimer: number | null = null;
  private nextPicture = 1;
  private readonly pictures = new Map<number, (jpeg: Blob | null) => void>();

  constructor(options: SupervisorOptions) {
    this.options = options;
    this.backoff = new Backoff({ firstMs: 1_000, maxMs: 60_000, random: options.random });
  }

  start(source: FrameSource, taskModel: string | null): void {
    this.stop();
    this.source = source;
    this.taskModel = taskModel;
    this.launch();
  }

  stop(): void {
    this.end();
    this.source?.close();
    this.source = null;
    this.backoff.reset();
    this.options.onHealth(OFF);
  }

  /** The last frame that was looked at as JPEG, or null when there is none. */
  picture(): Promise<Blob | null> {
    const { worker } = this;
    if (worker === null) {
      return Promise.resolve(null);
    }
    const id = this.nextPicture;
    this.nextPicture += 1;

    return new Promise((resolve) => {
      const timer = this.options.timers.set(() => {
        this.gotPicture(id, null);
      }, PICTURE_MS);
      this.pictures.set(id, (jpeg) => {
        this.options.timers.clear(timer);
        resolve(jpeg);
      });
      worker.postMessage({ type: 'picture', id });
    });
  }

  private launch(): void {
    const { createWorker, base, onHealth } = this.options;
    if (createWorker === null) {
      onHealth({ status: 'off', engine: null, code: 'NoWorker' });

      return;
    }
    const worker = createWorker();
    this.worker = worker;
    this.frames = 0;
    // Messages of a worker that has been given up may still be on their way.
    worker.onmessage = ({ data }) => {
      if (this.worker === worker) {
        this.received(data);
      }
    };
    worker.onerror = ({ message }) => {
      if (this.worker === worker) {
        this.failed('Crashed', message ?? 'the worker did not start');
      }
    };
    onHealth({ status: 'loading', engine: null, code: null });
    this.watch(READY_MS);
    worker.postMessage({ type: 'start', base, taskModel: this.taskModel });
  }

  private received(message: FromWorker): void {
    const { onHealth, onMeasures } = this.options;
    switch (message.type) {
      case 'ready':
        this.unwatch();
        onHealth({
          status: message.engine === null ? 'pictureOnly' : 'running',
          engine: message.engine,
          code: message.code,
        });
        break;
      case 'want':
        void this.feed();
        break;
      case 'measured':
        this.unwatch();
        this.frames += 1;
        if (this.frames === GOOD_AFTER) {
          this.backoff.reset();
        }
        onMeasures(message.measures);
        break;
      case 'picture':
        this.gotPicture(message.id, message.jpeg);
        break;
      case 'failed':
        if (message.engine === 'tasks-vision') {
          // What is optional gets one chance.
          this.taskModel = null;
        }
        this.failed(message.code, message.detail);
        break;
    }
  }

  private async feed(): Promise<void> {
    const { worker, source } = this;
    let frame: Frame | null = null;
    try {
      frame = (await source?.grab()) ?? null;
    } catch {
      // A camera that ends while it is read: the next one brings frames again.
    }
    if (worker === null || this.worker !== worker || this.source !== source) {
      frame?.close();

      return;
    }
    if (frame === null) {
      worker.postMessage({ type: 'noFrame' });

      return;
    }
    this.watch(this.frames === 0 ? FIRST_FRAME_MS : FRAME_MS);
    worker.postMessage({ type: 'frame', at: this.options.timers.now(), frame }, [frame]);
  }

  private failed(code: DetectorCode, detail: string): void {
    const { onHealth, timers, log } = this.options;
    log(`the face detector has stopped (${code}): ${detail}`);
    this.end();
    onHealth({ status: 'restarting', engine: null, code });
    this.restartTimer = timers.set(() => {
      this.restartTimer = null;
      this.launch();
    }, this.backoff.next());
  }

  private watch(ms: number): void {
    this.unwatch();
    this.watchdog = this.options.timers.set(() => {
      this.watchdog = null;
      this.failed('Hung', `no answer for ${String(ms)} ms`);
    }, ms);
  }

  private unwatch(): void {
    if (this.watchdog !== null) {
      this.options.timers.clear(this.watchdog);
      this.watchdog = null;
    }
  }

  private end(): void {
    this.unwatch();
    if (this.restartTimer !== null) {
      this.options.timers.clear(this.restartTimer);
      this.restartTimer = null;
    }
    this.worker?.terminate();
    this.worker = null;
    for (const id of [...this.pictures.keys()]) {
      this.gotPicture(id, null);
    }
  }

  private gotPicture(id: number, jpeg: Blob | null): void {
    const resolve = this.pictures.get(id);
    this.pictures.delete(id);
    resolve?.(jpeg);
  }
}
