// The two face models' libraries, and where their files lie below the page. The
// build copies them there (build/engine-files.ts) and refuses other versions.

export type EngineName = 'face_mesh' | 'tasks-vision';

export interface EngineFiles {
  package: string;
  /** Pinned: later ones abort with our options, or send metrics to their maker. */
  version: string;
  /** Below the page's address; the version in it lets browsers keep it for ever. */
  folder: string;
  /** Paths in the package. */
  files: readonly string[];
}

export const ENGINE_FILES: Readonly<Record<EngineName, EngineFiles>> = {
  face_mesh: {
    package: '@mediapipe/face_mesh',
    version: '0.4.1633559619',
    folder: 'assets/face_mesh-0.4.1633559619/',
    files: [
      'face_mesh.js',
      'face_mesh.binarypb',
      'face_mesh_solution_packed_assets.data',
      'face_mesh_solution_packed_assets_loader.js',
      'face_mesh_solution_simd_wasm_bin.js',
      'face_mesh_solution_simd_wasm_bin.wasm',
      'face_mesh_solution_wasm_bin.js',
      'face_mesh_solution_wasm_bin.wasm',
    ],
  },
  'tasks-vision': {
    package: '@mediapipe/tasks-vision',
    version: '0.10.35',
    folder: 'assets/tasks-vision-0.10.35/',
    // Without SIMD it would be slower than face_mesh, which then takes its place.
    files: ['vision_bundle.mjs', 'wasm/vision_wasm_internal.js', 'wasm/vision_wasm_internal.wasm'],
  },
};
