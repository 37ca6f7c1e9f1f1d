// The exam's evidence as it lies in its bucket (docs/evidence.md).

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** The student's records in order; those that are being written are not there yet. */
export async function recordsOf(it, student) {
  const folder = join('records', student);
  const names = (await readdir(join(it.dir, 'evidence', folder)).catch(() => [])).filter((name) => /^\d+\.json$/.test(name)).sort();

  return Promise.all(names.map(async (name) => JSON.parse(await it.evidence(join(folder, name)))));
}

/** The number in a picture's corner, as the footage has it; null if there is none. */
export function numberIn(page, jpeg) {
  return page.evaluate(async (base64) => {
    const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
    const picture = await createImageBitmap(new Blob([bytes], { type: 'image/jpeg' }));
    // Blocks of 12 pixels where the camera has 640.
    const block = (12 * picture.width) / 640;
    const context = new OffscreenCanvas(picture.width, picture.height).getContext('2d');
    context.drawImage(picture, 0, 0);
    const bits = Array.from({ length: 12 }, (_, i) =>
      (context.getImageData((i + 0.5) * block, block / 2, 1, 1).data[1] > 127 ? 1 : 0)).join('');

    return /^10\d{8}01$/.test(bits) ? parseInt(bits.slice(2, 10), 2) : null;
  }, jpeg.toString('base64'));
}
