// Camera files for Chromium: an .mjpeg is JPEGs one after the other, played at
// 30 frames per second in a loop. The footage is 4:2:0; 4:4:4 would come out blank.

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { here } from './paths.mjs';

const FRAMES_PER_SECOND = 30;

/** parts: [footage name, seconds]... One part alone needs one frame only. */
export async function cameraFile(dir, ...parts) {
  const frames = [];
  for (const [name, seconds] of parts) {
    const jpeg = await readFile(join(here, 'footage', `${name}.jpg`));
    frames.push(...Array(parts.length === 1 ? 1 : Math.round(seconds * FRAMES_PER_SECOND)).fill(jpeg));
  }
  const file = join(dir, `${parts.map((part) => part.join('-')).join('_')}.mjpeg`);
  await writeFile(file, Buffer.concat(frames));

  return file;
}
