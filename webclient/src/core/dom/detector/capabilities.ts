// What this browser has of what a face model needs.

export interface Capabilities {
  webAssembly: boolean;
  simd: boolean;
  webgl: boolean;
  /** WebGL without a GPU behind it: its inference is slower than the CPU's own. */
  softwareGL: boolean;
}

/** A module of one function that returns a 128-bit value: valid only with SIMD. */
const SIMD_MODULE = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11,
]);

export function capabilities(): Capabilities {
  const webAssembly = typeof WebAssembly === 'object';
  const gl = typeof OffscreenCanvas === 'function' ? new OffscreenCanvas(1, 1).getContext('webgl2') : null;
  const info = gl?.getExtension('WEBGL_debug_renderer_info') ?? null;
  const renderer = gl === null || info === null ? '' : String(gl.getParameter(info.UNMASKED_RENDERER_WEBGL));
  // Browsers allow few contexts at once; this one has served.
  gl?.getExtension('WEBGL_lose_context')?.loseContext();

  return {
    webAssembly,
    simd: webAssembly && WebAssembly.validate(SIMD_MODULE),
    webgl: gl !== null,
    softwareGL: /swiftshader|llvmpipe|software|basic render/i.test(renderer),
  };
}
