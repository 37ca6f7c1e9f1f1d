// What the invigilators' wall costs with a thousand students, beside a page without
// any of its care (webclient/bench), and how soon it shows what happens: prints two
// tables and writes bin/bench/wall.json. docs/performance.md says what it means.
//
//   MINUTES=5  how long each of the two pages runs

import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';

import { launch } from '../harness/browser.mjs';
import { measureCost, scrollFor } from '../harness/cost.mjs';
import { clipOf, enroll, LIGHT, studentOf } from '../harness/crowd.mjs';
import { badgeDelay, jump, watchFrames } from '../harness/delays.mjs';
import { MUST_LAST, shortTTL } from '../harness/detector.mjs';
import { root } from '../harness/paths.mjs';
import { until } from '../harness/poll.mjs';
import { watchRenders } from '../harness/renders.mjs';
import { startReporter } from '../harness/reporter.mjs';
import { scenario } from '../harness/scenario.mjs';
import { startFeed, watchUpdates } from '../harness/wall-feed.mjs';

const minutes = Number(process.env.MINUTES ?? 5);
const LOAD = { students: 1_000, rate: 400 };
const VIEWPORT = { width: 1600, height: 1000 };
/** After loading, before anything is measured. */
const SETTLE_MS = 3_000;
const COUNTED_MS = 20_000;
const SCROLL_SECONDS = 15;
/** Tiles in sight, header and toolbar: not more with more students. */
const MOST_NODES = 2_000;
/** What garbage collections leave differs by this, in MiB. */
const HEAP_NOISE = 2;
/**
 * Two pods' 50 slots are as many as tiles in sight and warm ones, and these rows are far
 * apart: whoever comes into sight has no slot yet.
 */
const CROWD = 143;
const ROWS = [8, 16, 0];
const ROUNDS = 4;
/** From row to row, two at a time, as a person reads a wall: what comes into sight is warm. */
const STEPS = [2, 4, 6, 8, 10, 12, 14, 16];
const VIOLATIONS = 5;

const PAGES = {
  ours: { path: 'wall#bench', scroller: '.wall-scroll', judge: judgeOurs },
  naive: { path: 'naive', scroller: 'html', judge: () => undefined },
};
const result = { at: new Date().toISOString(), cpus: cpus().length, minutes, ...LOAD, loadBefore: loadavg() };

for (const [name, of] of Object.entries(PAGES)) {
  test(`${LOAD.students} students, ${LOAD.rate} updates a second: ${name}`, async () => {
    const dir = await mkdtemp(join(tmpdir(), 'invigil-wall-bench-'));
    const feed = await startFeed(LOAD);
    try {
      // Counting costs: what it is of is measured in another browser.
      const { renders, updates } = await withPage(dir, feed.base + of.path, countRenders, async (context) => {
        await watchUpdates(context);
        await watchRenders(context);
      });
      const cost = await withPage(dir, feed.base + of.path, costOf(of.scroller));
      result[name] = { renders_per_update: share(renders.tile, updates), renders, updates, ...cost };
      of.judge(result[name]);
    } finally {
      await feed.stop();
      await rm(dir, { recursive: true, force: true });
    }
  });
}

// The reporter's page is a picture, for which Chromium asks for an icon.
scenario('how soon pictures and badges are there', { flags: ['--pods=2'], allow: [/favicon\.ico/] }, async (it) => {
  await shortTTL(it.stack);
  await enroll(it, CROWD);
  const device = await it.device({ noCamera: true, viewport: VIEWPORT });
  await watchFrames(device.context);
  const shards = Object.keys(it.stack.sfus);
  const clip = await clipOf(it, CROWD, LIGHT);
  const students = Array.from({ length: CROWD }, (_, group) => ({ id: studentOf(group), group, shard: shards[group % 2] }));
  await it.stack.command(`students ${JSON.stringify({ clip, fps: LIGHT.fps, students })}`);
  const reporter = await (await it.device({ noCamera: true })).context.newPage();
  await startReporter(reporter, it.stack.links.s1);
  const page = await it.open(device, await it.stack.pageOf('wall'));
  await page.locator('.slot-video[data-shown=true]').first().waitFor();

  const cold = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const row of ROWS) {
      cold.push(...await jump(page, row));
    }
  }
  const warm = [];
  for (const row of STEPS) {
    // Nothing outside tells that warm slots play; a person looks for longer.
    await pause(2_000);
    warm.push(...await jump(page, row));
  }
  result.tile = { ...quantiles('first_frame_ms', cold), tiles: cold.length };
  result.warm_tile = { ...quantiles('first_frame_ms', warm), tiles: warm.length };

  await page.locator('.wall-scroll').evaluate((scroller) => { scroller.scrollTop = 0; });
  await page.locator('[data-id="s1"] .slot-video[data-shown=true]').waitFor();
  await until('s1 is live', async () => (await it.stack.session('s1')).state === 'Live');
  const badges = [];
  for (let round = 0; round < VIOLATIONS; round += 1) {
    for (const type of Object.keys(MUST_LAST)) {
      badges.push(await badgeDelay(page, reporter, 's1', type));
      // So that each type's key has ended when its turn comes again.
      await pause(600);
    }
  }
  result.badge = { ...quantiles('ms', badges), violations: badges.length };
});

after(async () => {
  result.loadAfter = loadavg();
  await mkdir(join(root, 'bin', 'bench'), { recursive: true });
  await writeFile(join(root, 'bin', 'bench', 'wall.json'), `${JSON.stringify(result, null, 2)}\n`);
  print();
});

/** Opens the page in a browser of its own, and lets it come to rest. */
async function withPage(dir, url, run, prepare = () => undefined) {
  const browser = await launch(dir, { noCamera: true, viewport: VIEWPORT });
  try {
    await prepare(browser.context);
    const page = browser.context.pages()[0];
    await page.goto(url);
    await page.locator('.tile').first().waitFor();
    await pause(SETTLE_MS);

    return await run(page, browser);
  } finally {
    await browser.context.close();
  }
}

function costOf(scroller) {
  return async (page, browser) => {
    const end = await measureCost(browser, page);
    await pause(minutes * 60_000);

    return { ...await end(), ...await scrollFor(page, SCROLL_SECONDS, scroller) };
  };
}

async function countRenders(page) {
  const { all } = await countsOf(page);
  await pause(COUNTED_MS);
  const { renders, updates, seconds } = await countsOf(page);
  assert.ok(all > 0 && updates > 0, 'the feed tells nothing');

  return { renders: { ...renders, tiles_per_second: renders.tile / seconds }, updates };
}

/** What has been rendered, and told of tiles that there are, since this was last asked; both of the same moment. */
function countsOf(page) {
  return page.evaluate(() => {
    const { rendersOfTest, updatesOfTest, counts } = window;
    const now = performance.now();
    const sum = (...names) => [...rendersOfTest].reduce((all, [name, times]) => all + (names.includes(name.split(' ')[0]) ? times : 0), 0);
    const seen = {
      // The naive page counts for itself, and all that is no tile in one.
      renders: counts === undefined
        ? { tile: sum('Tile'), grid: sum('Grid', 'Rows', 'Tiles'), filters: sum('Toolbar'), header: sum('Levels', 'Pulse', 'UpdatedAt', 'Banners') }
        : { tile: counts.tiles, grid: counts.others, filters: counts.others, header: counts.others },
      updates: updatesOfTest.mounted,
      all: updatesOfTest.all,
      seconds: (now - (window.askedOfTest ?? 0)) / 1_000,
    };
    window.askedOfTest = now;
    rendersOfTest.clear();
    Object.assign(updatesOfTest, { all: 0, mounted: 0 });
    if (counts !== undefined) {
      Object.assign(counts, { tiles: 0, others: 0 });
    }

    return seen;
  });
}

/** What does not depend on how busy the machine is. */
function judgeOurs({ renders, updates, dom_nodes: nodes, heap_mib_start: start, heap_mib_end: end }) {
  assert.equal(renders.tile, updates, 'renders of tiles, and updates of them');
  assert.equal(renders.grid, 0, 'renders of the grid');
  assert.equal(renders.filters, 0, 'renders of the filters');
  assert.ok(nodes < MOST_NODES, `${nodes} nodes`);
  assert.ok(end < start + HEAP_NOISE, `${end} MiB, and ${start} before`);
}

function quantiles(name, values) {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (part) => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))];

  return { [`${name}_p50`]: at(0.5), [`${name}_p95`]: at(0.95) };
}

function share(part, of) {
  return of === 0 ? 0 : part / of;
}

function print() {
  const rows = [
    ['renders of tiles per update of a tile', ({ renders_per_update: one }) => one.toFixed(2)],
    ['renders of tiles per second', ({ renders }) => renders.tiles_per_second.toFixed(0)],
    ['renders of the grid, in 20 s', ({ renders }) => renders.grid],
    ['renders of the filters, in 20 s', ({ renders }) => renders.filters],
    ['renders of the header, in 20 s', ({ renders }) => renders.header],
    ['main thread, share of the time in tasks', ({ main_thread_busy: one }) => percent(one)],
    ['main thread, CPU time', ({ main_thread_cpu: one }) => percent(one)],
    ['browser, cores', ({ browser_cores: one }) => one.toFixed(2)],
    ['long tasks per minute', ({ long_tasks: one, seconds }) => ((60 * one) / seconds).toFixed(1)],
    ['longest task, ms', ({ longest_task_ms: one }) => one.toFixed(0)],
    ['frames per second while scrolling', ({ scroll_fps: one }) => one.toFixed(1)],
    ['p95 between two frames, ms', ({ scroll_frame_ms_p95: one }) => one.toFixed(0)],
    ['nodes in the document', ({ dom_nodes: one }) => one],
    ['heap at start, MiB', ({ heap_mib_start: one }) => one.toFixed(1)],
    [`heap after ${minutes} min, MiB`, ({ heap_mib_end: one }) => one.toFixed(1)],
  ];
  const { ours, naive, tile, warm_tile: warm, badge } = result;
  const cell = (of, show) => (of === undefined ? '-' : show(of));
  console.log('\nfigure | ours | naive');
  for (const [name, show] of rows) {
    console.log(`${name} | ${cell(ours, show)} | ${cell(naive, show)}`);
  }
  console.log('\nms until | p50 | p95 | of');
  const both = (name, of) => `${of[`${name}_p50`].toFixed(0)} | ${of[`${name}_p95`].toFixed(0)}`;
  const frames = (of) => `${both('first_frame_ms', of)} | ${of.tiles} tiles`;
  console.log(`first frame, a jump to tiles without slots | ${cell(tile, frames)}`);
  console.log(`first frame, two rows further, warm tiles | ${cell(warm, frames)}`);
  console.log(`a violation's badge | ${cell(badge, (of) => `${both('ms', of)} | ${of.violations} violations`)}`);
  console.log(`\nload of the machine: ${result.loadBefore[0].toFixed(1)} before, ${result.loadAfter[0].toFixed(1)} after; ${result.cpus} CPUs`);
}

function percent(part) {
  return `${(100 * part).toFixed(1)} %`;
}
