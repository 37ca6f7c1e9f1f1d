// @mediapipe/tasks-vision in a worker, where the server offers a model for it.

import type * as TasksVision from '@mediapipe/tasks-vision';

import { MAX_FACES, type Engine } from '../../detector/engine';
import { ENGINE_FILES } from '../../detector/engines';

type Delegate = 'GPU' | 'CPU';

export async function openTasksVision(base: string, model: string, softwareGL: boolean): Promise<Engine> {
  const folder = new URL(ENGINE_FILES['tasks-vision'].folder, base).href;
  const vision = (await import(/* @vite-ignore */ `${folder}vision_bundle.mjs`)) as typeof TasksVision;
  const fileset = {
    wasmLoaderPath: `${folder}wasm/vision_wasm_internal.js`,
    wasmBinaryPath: `${folder}wasm/vision_wasm_internal.wasm`,
  };
  const open = (delegate: Delegate): Promise<TasksVision.FaceLandmarker> => {
    const options: TasksVision.FaceLandmarkerOptions = {
      baseOptions: { modelAssetPath: new URL(model, base).href, delegate },
      runningMode: 'VIDEO',
      numFaces: MAX_FACES,
    };

    return vision.FaceLandmarker.createFromOptions(fileset, options);
  };
  const landmarker = softwareGL ? await open('CPU') : await open('GPU').catch(() => open('CPU'));
  let last = 0;

  return {
    name: 'tasks-vision',
    detect: (picture, at) => {
      // It refuses times that do not grow.
      last = Math.max(last + 1, Math.round(at));
      const { faceLandmarks } = landmarker.detectForVideo(picture, last);

      return Promise.resolve(faceLandmarks);
    },
  };
}
