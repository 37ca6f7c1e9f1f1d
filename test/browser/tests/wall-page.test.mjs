// The invigilators' wall itself: real scoring, pods and pictures.

import assert from 'node:assert/strict';

import { judgeLooks, unreachable } from '../harness/axe.mjs';
import { clipOf, enroll, LIGHT, studentOf } from '../harness/crowd.mjs';
import { settled, tiles, watchTiles } from '../harness/invigilator.mjs';
import { until } from '../harness/poll.mjs';
import { renders, watchRenders } from '../harness/renders.mjs';
import { startReporter } from '../harness/reporter.mjs';
import { scenario } from '../harness/scenario.mjs';

const STUDENTS = 200;
const WIDE = { width: 1600, height: 1000 };
/** Every fourth of them, so that both kinds are in sight everywhere. */
const PUBLISHING = Array.from({ length: STUDENTS / 4 }, (_, i) => i * 4);
/** No tile waits longer than it may: looking, then asking, then three times for a frame. */
const LONGEST_WAIT_MS = 45_000;
/** The reporter's page is a picture, for which Chromium asks for an icon. */
const FAVICON = [/favicon\.ico/];
/** What Chromium logs of sockets that end with a pod or a token. */
const SOCKETS = [/WebSocket connection to .* failed/, /status of 40[14]/];

scenario('200 students on two pods: right pictures, one negotiation for each pod, one render for each score', { flags: ['--pods=2'], allow: FAVICON }, async (it) => {
  const shards = Object.keys(it.stack.sfus);
  await enroll(it, STUDENTS);
  const { page, publish } = await openWall(it);
  await publish(PUBLISHING.map((number, i) => ({ number, shard: shards[i % 2] })));
  const publishing = new Set(PUBLISHING.map(studentOf));
  await settled(page, publishing, 'the first tiles');
  await it.shot(page, 'wall-page-first');
  const { slotsPerShard } = await limits(it);

  // Down a screen at a time, and back to the top at once.
  const seen = new Set();
  for (let turn = 0; ; turn += 1) {
    (await settled(page, publishing, `after ${turn} screens`)).forEach(({ id }) => seen.add(id));
    await withinSlots(page, slotsPerShard);
    const more = await page.locator('.wall-scroll').evaluate((scroller) => {
      const before = scroller.scrollTop;
      scroller.scrollTop += scroller.clientHeight;

      return scroller.scrollTop > before;
    });
    if (!more) {
      break;
    }
  }
  assert.equal(seen.size, STUDENTS + 1);
  await page.locator('.wall-scroll').evaluate((scroller) => { scroller.scrollTop = 0; });
  await settled(page, publishing, 'back at the top');
  await withinSlots(page, slotsPerShard);

  await oneRender(it, page);
  await noTileWithoutWords(page);
});

scenario('tiles whose student or pod comes late, goes, or is killed say so', { flags: ['--pods=2'], allow: SOCKETS }, async (it) => {
  const [first, second] = Object.keys(it.stack.sfus);
  await enroll(it, 12);
  const { page, publish } = await openWall(it, { density: 12 });
  const nobody = new Set();
  (await settled(page, nobody)).forEach(({ words }) => assert.equal(words, 'Not joined yet'));

  const on = (numbers, shard) => publish(numbers.map((number) => ({ number, shard })));
  await on([0, 1, 2], first);
  await on([3, 4, 5], second);
  await settled(page, new Set([0, 1, 2, 3, 4, 5].map(studentOf)), 'late producers');

  await it.stack.command('leave n0');
  await settled(page, new Set([1, 2, 3, 4, 5].map(studentOf)), 'one has left');

  await it.stack.command('kill sfu-1');
  await settled(page, new Set([1, 2].map(studentOf)), 'a pod is gone');
  await page.getByText('A video server is not ready').waitFor();
  await it.shot(page, 'wall-page-pod-killed');
  await it.stack.command('start sfu-1');
  for (const number of [3, 4, 5]) {
    // Their connections have died with the pod, and do not know it yet.
    await it.stack.command(`leave ${studentOf(number)}`).catch(() => undefined);
  }
  await on([3, 4], second);
  await on([5], first);
  await settled(page, new Set([1, 2, 3, 4, 5].map(studentOf)), 'the pod is back');

  await it.stack.command('kill redis');
  await page.getByText('The exam’s store is away').waitFor();
  await it.stack.command('start redis');
  await page.getByText('The exam’s store is away').waitFor({ state: 'detached' });

  await it.stack.command('kill scoring');
  await page.getByText('What you see is old').waitFor();
  await it.shot(page, 'wall-page-stale');
  await it.stack.command('start scoring');
  await page.getByText('What you see is old').waitFor({ state: 'detached' });
  await settled(page, new Set([1, 2, 3, 4, 5].map(studentOf)), 'scoring is back');
  await noTileWithoutWords(page);
});

scenario('a second wall sees what the first does; a fresh token goes to all tabs', { allow: SOCKETS }, async (it) => {
  const students = await it.device({ noCamera: true });
  const student = await startReporter(await students.context.newPage(), it.stack.links.s1);
  await student.report(['FocusLost', 'MultipleFaces']);

  const { page, device } = await openWall(it, { options: { lifetime: '12s' } });
  const tile = page.locator('[data-id="s1"]');
  await until('the score is there', async () => (await tile.locator('.score').innerText()) === '35');
  assert.match(await tile.innerText(), /Suspicious/);
  await until('the picture plays', async () => (await tiles(page)).some(({ id, shown }) => id === 's1' && shown));

  const other = await openWall(it);
  await page.locator('[data-id="s1"]').click();
  const panel = page.getByRole('dialog', { name: 'Ada Lovelace' });
  await until('the panel plays', () => panel.locator('.slot-video[data-shown=true]').count());
  await panel.getByRole('button', { name: 'Warn' }).click();
  await panel.getByLabel('Warning to the student').fill('Please be alone.');
  await panel.getByRole('button', { name: 'Send warning' }).click();
  await other.page.locator('[data-id="s1"]').getByText(/^Warned · /).waitFor();
  await it.shot(page, 'wall-page-student');

  await page.getByText('Your access has expired').waitFor({ timeout: 20_000 });
  assert.match(await page.locator('.banner').innerText(), /kubectl exam open finals -n default --wall/);
  await it.shot(page, 'wall-page-expired');
  const fresh = await device.context.newPage();
  await fresh.goto(await it.stack.pageOf('wall'));
  assert.equal(new URL(fresh.url()).hash, '');
  await page.bringToFront();
  await page.getByText('Your access has expired').waitFor({ state: 'detached' });
  await until('it plays again', async () => (await tiles(page)).some(({ id, shown }) => id === 's1' && shown));
  await page.reload();
  await page.locator('[data-id="s1"]').waitFor();
  await noTileWithoutWords(page);
});

scenario('the wall by keyboard, filters and looks', {}, async (it) => {
  await enroll(it, 60);
  const { page } = await openWall(it, { density: 24 });
  const focused = () => page.evaluate(() => document.activeElement?.dataset.id ?? document.activeElement?.id ?? '');
  const press = async (key, want) => {
    await page.keyboard.press(key);
    await until(`${key} leads to ${want}`, async () => (await focused()) === want);
  };
  await page.locator('.tile').first().focus();
  const columns = Number(await page.locator('.wall-grid').getAttribute('aria-colcount'));
  // The first is s1, whose name comes before "Student".
  await press('ArrowRight', 'n0');
  await press('ArrowDown', `n${columns}`);
  await press('Home', `n${columns - 1}`);
  await press('Control+End', 'n59');
  await press('Control+Home', 's1');
  await page.keyboard.press('Enter');
  await page.getByRole('dialog', { name: 'Ada Lovelace' }).waitFor();
  await page.keyboard.press('Escape');
  await until('the focus is back', async () => (await focused()) === 's1');

  await page.keyboard.press('/');
  await page.keyboard.type('student 017');
  await page.getByText('1 of 61 are shown.').waitFor();
  await page.keyboard.press('Escape');
  await page.getByText('All 61 are shown.').waitFor();
  await page.keyboard.press('4');
  await page.getByText('Nobody matches.').waitFor();
  await page.keyboard.press('0');
  await page.getByText('All 61 are shown.').waitFor();
  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: 'Keys' }).waitFor();
  await it.shot(page, 'wall-page-keys');
  await page.getByLabel(/^Keys without Ctrl/).uncheck();
  await page.keyboard.press('Escape');
  await page.locator('.tile').first().focus();
  await page.keyboard.press('4');
  await press('ArrowRight', 'n0');
  assert.equal(await page.getByText('All 61 are shown.').count(), 1, 'single keys are off');

  const found = await judgeLooks(page, 'wall', { before: (of, where) => it.shot(of, where.replaceAll(/[ ,]+/g, '-')) });
  await page.setViewportSize(WIDE);
  found.push(...await unreachable(page));
  assert.deepEqual(found, []);
});

scenario('a press opens the student whatever comes into the tile, or goes from it, meanwhile', {}, async (it) => {
  await enroll(it, 4);
  const { page, publish } = await openWall(it, { density: 12 });
  const tile = page.locator('[data-id="n0"]');
  await tile.getByText('Not joined yet').first().hover({ force: true });
  await page.mouse.down();
  await publish([{ number: 0 }]);
  await until('the picture is there', () => tile.locator('.slot-video[data-shown=true]').count());
  await page.mouse.up();
  await page.getByRole('dialog', { name: 'Student 000' }).waitFor();
});

/** A wall, and how to have students publish whose clips are read. */
async function openWall(it, { density, options } = {}) {
  const device = await it.device({ noCamera: true, viewport: WIDE });
  await watchTiles(device.context);
  await watchRenders(device.context);
  const page = await it.open(device, await it.stack.pageOf('wall', options));
  await page.locator('.tile').first().waitFor();
  if (density !== undefined) {
    await page.locator('.choice label', { hasText: String(density) }).click();
  }
  let clip = null;

  return {
    device,
    page,
    async publish(who) {
      clip ??= await clipOf(it, STUDENTS, LIGHT);
      await it.stack.command(`students ${JSON.stringify({
        clip, fps: LIGHT.fps, students: who.map(({ number, shard }) => ({ id: studentOf(number), group: number, shard })),
      })}`);
    },
  };
}

async function limits(it) {
  const token = await it.stack.invigilator();
  const answer = await fetch(`${it.stack.base}api/v1/wall`, { headers: { Authorization: `Bearer ${token}` } });

  return (await answer.json()).tiles;
}

async function withinSlots(page, slots) {
  for (const { streams, sections, signaling } of await page.evaluate(() => window.tilesOfTest.received())) {
    assert.ok(streams <= slots, `${streams} streams of one pod`);
    assert.equal(sections, slots);
    assert.equal(signaling, 'stable');
  }
  const { offers, peers } = await page.evaluate(() => ({ offers: window.tilesOfTest.state.offers, peers: window.peersOfTest.length }));
  assert.equal(offers, peers, 'each connection is negotiated once');
  assert.ok(peers <= 2, `${peers} connections to 2 pods`);
}

/** A score that rises, and what is rendered for it. */
async function oneRender(it, page) {
  const students = await it.device({ noCamera: true });
  const student = await startReporter(await students.context.newPage(), it.stack.links.s1);
  const tile = page.locator('[data-id="s1"]');
  await until('s1 plays', async () => (await tiles(page)).some(({ id, shown }) => id === 's1' && shown));
  await until('s1 is live', async () => (await it.stack.session('s1')).state === 'Live');
  await until('the wall is at rest', async () => {
    const { UpdatedAt, ...others } = await renders(page);

    return Object.keys(others).length === 0;
  });
  await student.report(['FocusLost']);
  await until('the score is there', async () => (await tile.locator('.score').innerText()) === '5');
  await student.report([]);
  const { UpdatedAt, ...others } = await renders(page);
  assert.deepEqual(others, { 'Tile s1': 1 });
  await it.shot(page, 'wall-page-score');
}

async function noTileWithoutWords(page) {
  const { wordless, longestWait } = await page.evaluate(() => window.tilesOfTest.state);
  console.log(`the longest that a tile waited: ${Math.round(longestWait)} ms`);
  assert.deepEqual(wordless, []);
  assert.ok(longestWait < LONGEST_WAIT_MS, `a tile waited for ${longestWait} ms`);
}
