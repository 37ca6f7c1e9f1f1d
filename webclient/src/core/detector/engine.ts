// What a face model is to the worker.

import type { EngineName } from './engines';
import type { Landmarks } from './landmarks';

export interface Engine {
  readonly name: EngineName;
  /**
   * The faces in a picture, at most two. An error is final: the engine is of no
   * use after it. at: milliseconds, growing from call to call.
   */
  detect(picture: ImageBitmap, at: number): Promise<readonly Landmarks[]>;
}

export const MAX_FACES = 2;
