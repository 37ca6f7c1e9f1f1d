// Camera files for Chromium: an .mjpeg is JPEGs one after the other, played at
// 30 frames per second in a loop. The footage is 4:2:0; 4:4:4 would come out blank.

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { here } from './paths.mjs';

const FRAMES_PER_SECOND = 30;

/** Somebody in front of a camera: the same picture for ever would be a frozen one. */
export const ONE_PERSON = [['one', 0.5], ['one-noisy', 0.5]];

/** parts: [footage name, seconds]... One part alone needs one frame only. */
export async function cameraFile(dir, ...parts) {
  const frames = [];
  for (const [name, seconds] of parts) {
    const jpeg = await footage(name);
    frames.push(...Array(parts.length === 1 ? 1 : Math.round(seconds * FRAMES_PER_SECOND)).fill(jpeg));
  }
  made += 1;
  const file = join(dir, `camera-${made}.mjpeg`);
  await writeFile(file, Buffer.concat(frames));

  return file;
}

let made = 0;

function footage(name) {
  return readFile(join(here, 'footage', `${name}.jpg`));
}

/** Which picture of the footage has this number in its corner, and what is true of it. */
export async function truths() {
  const list = JSON.parse(await readFile(join(here, 'footage', 'truth.json'), 'utf8'));

  return new Map(list.map((truth) => [truth.id, truth]));
}
