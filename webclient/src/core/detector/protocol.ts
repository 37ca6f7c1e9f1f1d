// What page and worker say to each other. The worker decides when it wants the
// next frame, so that there is never more than one on its way, and the pace does
// not depend on the page's timers, which browsers slow down in hidden tabs.

import type { EngineName } from './engines';
import type { Measures } from './measures';

/** Why faces are not looked at, or not as well; messages.ts has the words. */
export type DetectorCode =
  /** This browser has no workers at all. */
  | 'NoWorker'
  /** Neither engine runs without WebGL 2. Light and sharpness are still measured. */
  | 'NoWebGL'
  | 'NoWebAssembly'
  /** It runs, at a third of the speed. */
  | 'NoSimd'
  /** The model's files did not arrive. */
  | 'LoadFailed'
  /** The engine has ended itself; an aborted one cannot go on. */
  | 'Crashed'
  /** The engine has not answered for too long. */
  | 'Hung';

export type Frame = ImageBitmap | VideoFrame;

export type ToWorker =
  /** First of all. base: the page's address; taskModel: below it, where the server offers one. */
  | { type: 'start'; base: string; taskModel: string | null }
  | { type: 'frame'; at: number; frame: Frame }
  /** There is no new picture now. */
  | { type: 'noFrame' }
  /** Asks for the last frame as JPEG. */
  | { type: 'picture'; id: number };

export type FromWorker =
  /** engine null: faces are not looked at, code says why. */
  | { type: 'ready'; engine: EngineName | null; code: DetectorCode | null }
  | { type: 'want' }
  | { type: 'measured'; measures: Measures }
  | { type: 'picture'; id: number; jpeg: Blob | null }
  /** The worker is of no use any more. detail is for the console. */
  | { type: 'failed'; engine: EngineName | null; code: DetectorCode; detail: string };
