// One invigilator in a real Chromium, for tests that are not written in JavaScript:
// opens a wall, looks at every student's tile, and ends an exam when told so. Prints
// "playing JSON" once every picture in sight moves, "seen JSON" after a look at all
// students, and on a line "terminate ID" does as a person would and prints
// "terminated ID". Ends when its input does.
//
//   node invigilator.mjs --url WALL --students N [--artifacts FOLDER]

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';

import { launch } from './harness/browser.mjs';
import { until } from './harness/poll.mjs';

/** A screen of tiles, on a cluster where two cores do everything. */
const SCREEN_MS = 60_000;

const { values } = parseArgs({ options: { url: { type: 'string' }, students: { type: 'string' }, artifacts: { type: 'string' } } });
const dir = await mkdtemp(join(tmpdir(), 'invigil-invigilator-'));
const { context, log } = await launch(dir, { noCamera: true, viewport: { width: 1600, height: 1000 } });
await context.addInitScript(watchPictures);
// A caller in a hurry ends it as Ctrl-C does.
process.once('SIGINT', () => process.stdin.destroy());

const page = context.pages()[0];

try {
  await page.goto(values.url);
  const students = Number(values.students);
  await page.getByText(`All ${students} are shown.`).waitFor();
  const first = await moving('the first tiles');
  await picture('wall');
  console.log('playing', JSON.stringify(first));

  console.log('seen', JSON.stringify(await everybody(students)));

  for await (const line of createInterface({ input: process.stdin })) {
    const [command, id] = line.split(' ');
    if (command === 'terminate') {
      await terminate(id);
      await picture('wall-terminated');
      console.log('terminated', id);
    }
  }
} catch (error) {
  await picture('wall-failed');
  console.error(error, JSON.stringify(log, null, 2));
  process.exitCode = 1;
} finally {
  await context.close();
  await rm(dir, { recursive: true, force: true });
}

/** Waits until every tile in sight shows pictures that change; returns the tiles. */
function moving(what) {
  return until(`${what} show moving pictures`, async () => {
    const tiles = await page.evaluate(() => window.picturesOfTest());
    const still = tiles.filter(({ shown, pictures }) => !shown || pictures < 2);
    if (still.length > 0) {
      throw new Error(JSON.stringify(still));
    }

    return tiles.length > 0 && tiles;
  }, SCREEN_MS);
}

/** Looks at all students, a screen at a time; returns what their tiles say, by id. */
async function everybody(students) {
  const seen = {};
  const grid = page.locator('.wall-scroll');
  for (let screen = 0; ; screen += 1) {
    for (const { id, score, level } of await moving(`the tiles of screen ${screen}`)) {
      seen[id] = { score, level };
    }
    const more = await grid.evaluate((scroller) => {
      const before = scroller.scrollTop;
      scroller.scrollTop += scroller.clientHeight;

      return scroller.scrollTop > before;
    });
    if (!more) {
      break;
    }
  }
  if (Object.keys(seen).length !== students) {
    throw new Error(`${Object.keys(seen).length} of ${students} students were seen`);
  }

  return seen;
}

async function terminate(id) {
  await page.getByRole('searchbox').fill(id);
  await page.locator(`[data-id="${id}"]`).click();
  const panel = page.getByRole('dialog');
  await panel.getByRole('button', { name: 'End exam' }).click();
  const form = panel.getByRole('form', { name: 'End exam' });
  await form.getByLabel('Reason, for the record').fill('Somebody else sat the exam.');
  await form.getByLabel(/^To confirm/).fill(id);
  await form.getByRole('button', { name: 'End this exam now' }).click();
  await panel.getByText('This student’s exam is over.').waitFor();
}

async function picture(name) {
  if (values.artifacts !== undefined) {
    await page.screenshot({ path: join(values.artifacts, `${name}.png`) });
  }
}

/** Runs in the page: how many different pictures each tile in sight has shown since it came there. */
function watchPictures() {
  const canvas = new OffscreenCanvas(32, 18);
  const context = canvas.getContext('2d', { willReadFrequently: true });
  const looks = new Map();
  const hashOf = (video) => {
    context.drawImage(video, 0, 0, canvas.width, canvas.height);

    return context.getImageData(0, 0, canvas.width, canvas.height).data.reduce((hash, byte) => (hash * 31 + byte) | 0, 7);
  };
  window.picturesOfTest = () => {
    const box = document.querySelector('.wall-scroll').getBoundingClientRect();
    // Of an element that is out of sight itself, nothing need be presented.
    const inSight = [...document.querySelectorAll('.tile')].filter((tile) => {
      const { top, bottom } = tile.querySelector('.slot-video').getBoundingClientRect();

      return bottom > box.top && top < box.bottom;
    });

    return inSight.map((tile) => {
      const video = tile.querySelector('video');
      const shown = tile.querySelector('.slot-video')?.dataset.shown === 'true';
      const seen = looks.get(video) ?? new Set();
      looks.set(video, seen);
      if (shown) {
        seen.add(hashOf(video));
      }

      return {
        id: tile.dataset.id, shown, pictures: seen.size, level: tile.dataset.level,
        score: Number(tile.querySelector('.score')?.textContent), words: tile.querySelector('.slot-video p')?.textContent ?? '',
      };
    });
  };
}
