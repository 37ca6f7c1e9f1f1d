// @mediapipe/face_mesh in a worker: 478 points of up to two faces, inferred on the
// CPU (4 to 8 times faster than WebGL without a GPU; WebGL still scales pictures).

import type { FaceMesh, Options, Results } from '@mediapipe/face_mesh';

import { MAX_FACES, type Engine } from '../../detector/engine';
import { ENGINE_FILES } from '../../detector/engines';
import type { Landmarks } from '../../detector/landmarks';
import { pretendToBeAPage } from './page-globals';

/** What importScripts leaves behind, and the option that the types leave out. */
type Library = typeof self & {
  FaceMesh: new (config: { locateFile: (file: string) => string }) => FaceMesh;
  importScripts(...urls: string[]): void;
};

const OPTIONS: Options & { useCpuInference: boolean } = {
  maxNumFaces: MAX_FACES,
  // Adds the irises. enableFaceGeometry, which would give the pose, aborts with it.
  refineLandmarks: true,
  useCpuInference: true,
};

export async function openFaceMesh(scope: typeof self, base: string): Promise<Engine> {
  const library = scope as Library;
  const folder = new URL(ENGINE_FILES.face_mesh.folder, base).href;
  pretendToBeAPage(library);
  library.importScripts(`${folder}face_mesh.js`);
  const mesh = new library.FaceMesh({ locateFile: (file) => folder + file });
  mesh.setOptions(OPTIONS);
  let faces: readonly Landmarks[] = [];
  mesh.onResults((results: Results) => {
    faces = results.multiFaceLandmarks;
    // A copy of the picture that nobody else frees.
    if (results.image instanceof ImageBitmap) {
      results.image.close();
    }
  });
  await mesh.initialize();

  return {
    name: 'face_mesh',
    detect: async (picture) => {
      faces = [];
      // Typed for pages; an ImageBitmap is fine in practice.
      await mesh.send({ image: picture as unknown as HTMLCanvasElement });

      return faces;
    },
  };
}
