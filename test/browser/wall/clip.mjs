// Runs in a page: encodes the pictures of many students with the browser's own
// VP8, one picture group each.

import { draw, HEIGHT, speckled, WIDTH } from './code.mjs';

/** names of students by number; returns for each its frames, in base64. */
window.encodeClip = async (names, { frames, fps, specks }) => {
  const chunks = [];
  const failed = [];
  const encoder = new VideoEncoder({
    output: (chunk) => {
      const data = new Uint8Array(chunk.byteLength);
      chunk.copyTo(data);
      chunks.push(btoa(String.fromCharCode(...data)));
    },
    error: (error) => failed.push(error),
  });
  // "quality" drops no frames.
  encoder.configure({ codec: 'vp8', width: WIDTH, height: HEIGHT, bitrate: 150_000, framerate: fps, latencyMode: 'quality' });
  const canvas = new OffscreenCanvas(WIDTH, HEIGHT);
  const context = canvas.getContext('2d');
  const noise = speckled(specks);
  for (const [number, name] of names.entries()) {
    for (let i = 0; i < frames; i += 1) {
      draw(context, number, name, i, { frames, noise });
      const frame = new VideoFrame(canvas, { timestamp: (number * frames + i) * 1e6 / fps });
      encoder.encode(frame, { keyFrame: i === 0 });
      frame.close();
    }
    await encoder.flush();
  }
  encoder.close();
  if (failed.length > 0 || chunks.length !== names.length * frames) {
    throw new Error(`${chunks.length} frames were encoded; ${failed.join()}`);
  }

  return chunks;
};
