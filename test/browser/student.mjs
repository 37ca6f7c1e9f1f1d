// One student in a real Chromium, for tests that are not written in JavaScript:
// opens a link, goes through notice and camera check, and streams a video file
// as camera. Prints "live" when the page says so and the encoder works; on a
// line "close" it closes the tab as a person does and prints "closed". Ends
// when its input does.
//
//   node student.mjs --url LINK [--artifacts FOLDER]

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';

import { launch, sent } from './harness/browser.mjs';
import { cameraFile, ONE_PERSON } from './harness/camera.mjs';
import { until } from './harness/poll.mjs';
import { connected, ENTER } from './harness/scenario.mjs';

const { values } = parseArgs({ options: { url: { type: 'string' }, artifacts: { type: 'string' } } });
const dir = await mkdtemp(join(tmpdir(), 'invigil-student-'));
const { context, log } = await launch(dir, { camera: await cameraFile(dir, ...ONE_PERSON) });
// A caller in a hurry ends it as Ctrl-C does.
process.once('SIGINT', () => process.stdin.destroy());

try {
  const page = context.pages()[0];
  await page.goto(values.url);
  await page.getByRole('button', { name: 'I understand, start' }).click();
  await page.getByRole('button', { name: ENTER }).click();
  await connected(page);
  await until('frames are encoded', async () => (await sent(page)).frames > 15);
  await picture(page, 'live');
  console.log('live');

  for await (const line of createInterface({ input: process.stdin })) {
    if (line === 'close') {
      // A browser without a page would end; the student only leaves the exam.
      await context.newPage();
      await page.close({ runBeforeUnload: true });
      console.log('closed');
    }
  }
} catch (error) {
  await picture(context.pages()[0], 'failed');
  console.error(error, JSON.stringify(log, null, 2));
  process.exitCode = 1;
} finally {
  await context.close();
  await rm(dir, { recursive: true, force: true });
}

async function picture(page, name) {
  if (values.artifacts !== undefined) {
    await page.screenshot({ path: join(values.artifacts, `${name}.png`) });
  }
}
