// Pictures of every screen of the student's page and of the invigilators', for the
// docs: through the real pages against real servers, as the tests go.
//
//   node screenshots.mjs [FOLDER]      (docs/images without one)

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { clipOf, enroll, LIGHT, studentOf } from './harness/crowd.mjs';
import { root } from './harness/paths.mjs';
import { smaller } from './harness/png.mjs';
import { startReporter } from './harness/reporter.mjs';
import { scenarioOn } from './harness/scenario.mjs';
import { serveQuiz, walk, WALK_FLAGS } from './harness/screens.mjs';
import { startStack } from './harness/stack.mjs';

const LOOKS = [['light', 1280, 800], ['dark', 1280, 800], ['light', 320, 640], ['dark', 320, 640]];
const DESK = { width: 1600, height: 1000 };
const CROWD = 47;
const folder = process.argv[2] ?? join(root, 'docs', 'images');
const args = ['--hide-scrollbars'];
await mkdir(folder, { recursive: true });

await on([...WALK_FLAGS, `--content-url=${await serveQuiz()}`], async (it) => {
  const device = await it.device({ footage: [['one', 1]], reducedMotion: 'reduce', args });
  await walk(it, device, async (page, screen) => {
    for (const [colorScheme, width, height] of LOOKS) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height });
      await keep(`student-${screen}-${colorScheme}-${width}`, await page.screenshot({ fullPage: true }));
    }
    await page.setViewportSize({ width: 1280, height: 800 });
  });
});

await on(['--pods=2', '--ends-in=2h'], async (it) => {
  await enroll(it, CROWD);
  const shards = Object.keys(it.stack.sfus);
  const students = Array.from({ length: CROWD }, (_, group) => ({ id: studentOf(group), group, shard: shards[group % 2] }));
  await it.stack.command(`students ${JSON.stringify({ clip: await clipOf(it, CROWD, LIGHT), fps: LIGHT.fps, students })}`);
  const ada = await startReporter(await (await it.device({ noCamera: true })).context.newPage(), it.stack.links.s1);
  await ada.report(['FocusLost', 'MultipleFaces']);
  const device = await it.device({ noCamera: true, viewport: DESK, reducedMotion: 'reduce', args });

  const wall = await it.open(device, await it.stack.pageOf('wall'));
  await wall.waitForFunction(() => document.querySelectorAll('.slot-video[data-shown=true]').length > 24);
  await inBoth(wall, 'wall');
  await wall.locator('[data-id="s1"]').click();
  const panel = wall.getByRole('dialog', { name: 'Ada Lovelace' });
  await panel.locator('.slot-video[data-shown=true]').waitFor();
  await inBoth(wall, 'wall-student');

  const review = await it.open(device, await it.stack.pageOf('review'));
  await review.getByRole('link', { name: 'Ada Lovelace' }).waitFor();
  await inBoth(review, 'review');
  await review.getByRole('link', { name: 'Ada Lovelace' }).click();
  await review.locator('.plot canvas').waitFor();
  await inBoth(review, 'review-student');
});

/** Runs with servers of its own, and ends them and its browsers. */
async function on(flags, run) {
  const dir = await mkdtemp(join(tmpdir(), 'invigil-screenshots-'));
  const stack = await startStack(dir, flags);
  const it = scenarioOn(dir, stack);
  try {
    await run(it);
  } finally {
    await Promise.allSettled(it.browsers.map(({ context }) => context.close()));
    await stack.stop();
    await rm(dir, { recursive: true, force: true });
  }
}

async function inBoth(page, name) {
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme });
    await keep(`${name}-${colorScheme}`, await page.screenshot());
  }
}

async function keep(name, png) {
  const path = join(folder, `${name}.png`);
  const small = smaller(png);
  await writeFile(path, small);
  console.log(`${path}: ${Math.round(small.length / 1024)} KiB`);
}
