// Many simulated students with pictures that say whose they are: encoded by the
// browser, published by the stack.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { HEIGHT, WIDTH } from '../wall/code.mjs';
import { openPage, servePages } from './pages.mjs';
import { until } from './poll.mjs';

/**
 * What a student sends: frames, of which the first is a key frame, again and again.
 * 1000 frames a second of 200 students is what two cores take that also run the
 * browser.
 */
export const LIGHT = { fps: 5, frames: 12, specks: 0 };
/** As heavy as a student's low layer: 150 kbit/s, a key frame of 7 KB every 3 s. */
export const REAL = { fps: 15, frames: 45, specks: 500 };

/** Makes the clip of students 0 to n-1, named as studentOf says, and returns its file. */
export async function makeClip(context, pages, dir, count, kind) {
  const page = await openPage(context, pages, 'clip');
  const names = Array.from({ length: count }, (_, number) => String(number));
  const frames = await page.evaluate(([of, as]) => window.encodeClip(of, as), [names, kind]);
  await page.close();
  const file = join(dir, 'crowd.ivf');
  await writeFile(file, ivf(frames.map((frame) => Buffer.from(frame, 'base64')), kind.fps));

  return file;
}

/** The same for a test's own stack, in a browser of its own, which is no part of what is judged. */
export async function clipOf(it, count, kind) {
  const pages = await servePages(it.stack.sfu);
  const device = await it.device({ noCamera: true });
  const clip = await makeClip(device.context, pages, it.dir, count, kind);
  await device.context.close();
  it.browsers.splice(it.browsers.indexOf(device), 1);
  await pages.close();

  return clip;
}

export const studentOf = (number) => `n${number}`;

/** s1, whose link there is, and so many of the crowd. */
export async function enroll(it, count) {
  const students = Array.from({ length: count }, (_, number) => ({ id: studentOf(number), name: `Student ${String(number).padStart(3, '0')}` }));
  await it.stack.command(`exam ${JSON.stringify({ students: [{ id: 's1', name: 'Ada Lovelace' }, ...students] })}`);
  await until('scoring has read it', async () => (await it.stack.session('n0')) !== null && (await it.stack.session('s2')) === null);
}

/** The IVF container: 32 bytes of header, then 12 in front of each frame. */
function ivf(frames, fps) {
  const header = Buffer.alloc(32);
  header.write('DKIF');
  header.writeUInt16LE(32, 6);
  header.write('VP80', 8);
  header.writeUInt16LE(WIDTH, 12);
  header.writeUInt16LE(HEIGHT, 14);
  header.writeUInt32LE(fps, 16);
  header.writeUInt32LE(1, 20);
  header.writeUInt32LE(frames.length, 24);

  return Buffer.concat([header, ...frames.flatMap((frame, i) => {
    const head = Buffer.alloc(12);
    head.writeUInt32LE(frame.length);
    head.writeBigUInt64LE(BigInt(i), 4);

    return [head, frame];
  })]);
}
