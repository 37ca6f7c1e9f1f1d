// An invigilator's wall on the slot viewer: 25 tiles over one PeerConnection.

import assert from 'node:assert/strict';

import { LIGHT, makeClip, REAL, studentOf } from '../harness/crowd.mjs';
import { until } from '../harness/poll.mjs';
import { scenario } from '../harness/scenario.mjs';
import { openWall } from '../harness/wall.mjs';

const STUDENTS = 200;
const SLOTS = 25;
const ROW = 5;
/** From assign to the student's picture on the screen. */
const SHOWN_MS = 1_500;
/** Mean luma below this is no picture; the darkest of the students is at 60. */
const BLACK = 30;

scenario('25 tiles scroll through 200 students on one connection', { wall: true }, async (it) => {
  const page = await wallOf(it, STUDENTS, SLOTS);
  const shown = [];

  const step = async (numbers, name) => {
    const results = await show(page, numbers);
    shown.push(...results.map((result) => ({ ...result, name })));
    if (PICTURED.has(name)) {
      await it.shot(page, `wall-${name}`);
    }
    const black = results.filter(({ shown: at, luminance }) => at === null || luminance < BLACK);
    assert.deepEqual(black, [], `${name}: tiles without their student's picture`);
  };

  // Down by rows, up by pages.
  await step(range(0, SLOTS), 'first');
  for (let top = ROW; top + SLOTS <= STUDENTS; top += ROW) {
    await step(range(top + SLOTS - ROW, top + SLOTS), `row-${top}`);
  }
  for (let top = STUDENTS - 2 * SLOTS; top >= 0; top -= SLOTS) {
    await step(range(top, top + SLOTS), `page-${top}`);
  }

  report('by rows', shown.filter(({ name }) => name.startsWith('row')));
  report('by pages', shown.filter(({ name }) => !name.startsWith('row')));
  assert.deepEqual(shown.filter(({ shown: at }) => at > SHOWN_MS), [], `shown later than ${SHOWN_MS} ms`);
  assert.deepEqual(shown.filter(({ after }) => after > 0), [], 'another student after the right one');

  await playsOn(page);
  await it.shot(page, 'wall-last');
  await negotiatedOnce(page);
});

scenario('who scrolls past everybody sees where they stop', { wall: true }, async (it) => {
  const page = await wallOf(it, 2 * SLOTS, SLOTS);
  // Faster than anything can be shown, both ways, many times.
  await page.evaluate(([slots, names]) => {
    for (let turn = 0; turn < 40; turn += 1) {
      for (let slot = 0; slot < slots; slot += 1) {
        window.wall.viewer.assign(slot, names[(slot + turn * 7) % names.length]);
      }
    }
  }, [SLOTS, range(0, 2 * SLOTS).map(studentOf)]);
  const results = await show(page, range(SLOTS, 2 * SLOTS));
  report('after 1000 assignments', results);
  assert.deepEqual(results.filter(({ shown }) => shown === null || shown > SHOWN_MS), []);
  await playsOn(page, { seconds: 3 });
  await negotiatedOnce(page);
});

scenario('a tile waits for its student, says why, and plays by itself', { wall: true }, async (it) => {
  const { page, join } = await emptyWall(it, 3, 2);
  const events = (slot) => page.evaluate(
    (of) => window.wall.state.events.filter((event) => event.slot === of).map(({ at, ...event }) => event), slot,
  );
  const told = (slot, want) => until(`slot ${slot} is told ${JSON.stringify(want)}`, async () => {
    const last = (await events(slot)).at(-1) ?? {};

    return Object.entries(want).every(([key, value]) => last[key] === value);
  });
  const showing = (slot, number, after) => until(`slot ${slot} shows ${number}`, () => page.evaluate(
    ([of, who, count]) => {
      const tile = window.wall.tiles[of].result();

      return tile.shown !== null && tile.number === who && tile.rights > count;
    }, [slot, number, after],
  ));
  const expect = (slot, number) => page.evaluate(([of, who]) => window.wall.tiles[of].begin(who), [slot, number]);

  await page.evaluate(() => window.wall.viewer.assign(0, 'n0'));
  await told(0, { state: 'pending', reason: 'NotPublishing', student: 'n0' });
  await it.shot(page, 'wall-pending');
  await expect(0, 0);
  await join([0, 1]);
  await told(0, { state: 'playing', layer: 'low' });
  await showing(0, 0, 3);

  await it.stack.command('leave n0');
  await told(0, { state: 'pending', reason: 'Deleted', student: 'n0' });
  await expect(0, 0);
  await join([0]);
  await told(0, { state: 'playing' });
  await showing(0, 0, 3);

  // Paused for longer than browsers remember a stream's clock.
  await page.evaluate(() => window.wall.viewer.pause(0));
  await told(0, { state: 'paused', student: 'n0' });
  await expect(0, 0);
  const paused = Date.now();
  await until('a pause has passed', () => Date.now() - paused > 11_000);
  const { rights } = await page.evaluate(() => window.wall.tiles[0].result());
  assert.ok(rights <= 2, `${rights} frames while paused`);
  await expect(0, 0);
  await page.evaluate(() => window.wall.viewer.resume(0));
  await told(0, { state: 'playing' });
  await showing(0, 0, 3);

  await page.evaluate(() => window.wall.viewer.release(0));
  await told(0, { state: 'free', student: '' });
  // The slot that has never been used, and then the one that was.
  for (const slot of [1, 0]) {
    const [result] = await page.evaluate(([of]) => window.wall.show([[of, 'n1', 1]], 5_000), [slot]);
    assert.ok(result.shown !== null && result.shown < SHOWN_MS, JSON.stringify(result));
  }
  // Past its own check of the number, which is the SFU's to make.
  await page.evaluate(() => window.wall.viewer.command({ type: 'assign', slot: 99, student: 'n1', layer: 'low' }));
  await until('the slot is refused', () => page.evaluate(
    () => window.wall.state.refused.some(({ slot, code }) => slot === 99 && code === 'BadSlot'),
  ));
  await negotiatedOnce(page, ['BadSlot']);

  await it.stack.command('stop sfu');
  await until('the viewer has closed', () => page.evaluate(() => {
    const last = window.wall.state.states.at(-1);

    return last.name === 'closed' && last.code === 4000;
  }), 30_000);
  assert.equal(await page.evaluate(() => window.wall.state.moved), 1);
});

scenario('a bad link: the wall goes on, and lost packets are repeated', { wall: true, flags: ['--bad-link'] }, async (it) => {
  const page = await wallOf(it, 2 * SLOTS, SLOTS, REAL);
  await show(page, range(0, SLOTS));
  // 2 % lost each way, and five times what 25 tiles need.
  await it.stack.command('link 20 20 20');
  const rows = [];
  for (let top = SLOTS; top < 2 * SLOTS; top += ROW) {
    rows.push(...await show(page, range(top, top + ROW)));
  }
  report('bad link, by rows', rows);
  await playsOn(page, { seconds: 3, share: 0.3, gapMs: 2_000, fps: REAL.fps });
  assert.deepEqual(rows.filter(({ shown }) => shown === null || shown > SHOWN_MS), []);

  // 25 pictures at once are a burst that takes this link longer: said, not judged,
  // but for that they come.
  const pages = [...await show(page, range(0, SLOTS)), ...await show(page, range(SLOTS, 2 * SLOTS))];
  report('bad link, by pages', pages);
  assert.deepEqual(pages.filter(({ shown }) => shown === null), []);
  const inbound = await page.evaluate(() => window.wall.received());
  const sum = (field) => inbound.reduce((total, stats) => total + (stats[field] ?? 0), 0);
  const repeated = sum('retransmittedPacketsReceived');
  const metrics = await it.stack.metrics();
  const ring = (result) => metrics.get(`invigil_sfu_repeats_total{result="${result}"}`);
  console.log(`${sum('packetsReceived')} packets, ${sum('packetsLost')} lost, ${sum('nackCount')} NACK, ${repeated} repeated, `
    + `${sum('pliCount')} PLI; of the ring ${ring('hit')} hits, ${ring('miss')} misses`);
  assert.ok(repeated > 0, 'lost packets are repeated by RTX');
  await negotiatedOnce(page);
});

/** Whose steps there is a picture of. */
const PICTURED = new Set(['first', 'row-100', 'page-0']);

const range = (from, to) => Array.from({ length: to - from }, (_, i) => from + i);

/** A tile keeps its student while that is in the window, as a wall does. */
function show(page, numbers) {
  const assignments = numbers.map((number) => [number % SLOTS, studentOf(number), number]);

  return page.evaluate(([who, ms]) => window.wall.show(who, ms), [assignments, 5_000]);
}

/**
 * For a while every tile shows nothing but its student, and that share of the
 * student's frames at least, without a longer gap than that.
 */
async function playsOn(page, { seconds = 5, share = 0.8, gapMs = 1_000, fps = LIGHT.fps } = {}) {
  await page.evaluate(() => window.wall.tiles.forEach((tile) => tile.begin(tile.number)));
  const before = await page.evaluate(() => window.wall.received());
  const began = Date.now();
  await until('the wall has played', () => Date.now() - began > seconds * 1_000);
  const [after, tiles] = await page.evaluate(async () => [
    await window.wall.received(), window.wall.tiles.map((tile) => tile.result()),
  ]);
  assert.equal(after.length, tiles.length, 'one stream for each slot');
  const played = tiles.map(({ slot, rights, after: others, gap }) => {
    const of = (list) => list.find((stats) => stats.slot === slot);

    return {
      slot, rights, others, gap,
      decoded: of(after).framesDecoded - of(before).framesDecoded,
      frozen: of(after).totalFreezesDuration - of(before).totalFreezesDuration,
      lost: of(after).packetsLost,
      nacks: of(after).nackCount,
      plis: of(after).pliCount - of(before).pliCount,
    };
  });
  const least = Math.min(...played.map(({ rights }) => rights));
  console.log(`played on: at least ${least} frames in ${seconds} s, longest gap ${Math.max(...played.map(({ gap }) => gap))} ms, `
    + `${played.reduce((sum, { plis }) => sum + plis, 0)} PLI, ${played.reduce((sum, { lost }) => sum + lost, 0)} lost, `
    + `${after.reduce((sum, { freezeCount }) => sum + freezeCount, 0)} freezes by getStats so far`);
  const bad = played.filter(({ rights, others, gap }) => rights < seconds * fps * share || others > 0 || gap > gapMs);
  assert.deepEqual(bad, [], 'tiles that do not go on playing');
}

async function negotiatedOnce(page, refused = []) {
  const { state, peers, signaling } = await page.evaluate(() => ({
    state: window.wall.state,
    peers: window.peersOfTest.length,
    signaling: window.peersOfTest[0].signalingState,
  }));
  assert.equal(peers, 1);
  assert.equal(signaling, 'stable');
  assert.equal(state.offers, 1);
  assert.equal(state.negotiations, 1, 'adding the sections is the only reason to negotiate');
  assert.equal(state.sent.filter(({ type }) => type === 'offer').length, 1);
  assert.ok(state.sent[0].sdp.length < 40_000, `the offer has ${state.sent[0].sdp.length} bytes`);
  assert.deepEqual(state.refused.map(({ code }) => code), refused);
}

/** A page with a wall, and count students that publish. */
async function wallOf(it, count, slots, kind = LIGHT) {
  const { page, join } = await emptyWall(it, count, slots, kind);
  await join(range(0, count));

  return page;
}

/** A page with a wall, and how to have some of count students publish. */
async function emptyWall(it, count, slots, kind = LIGHT) {
  const page = await openWall(it, slots);
  const clip = await makeClip(page.context(), it.pages, it.dir, count, kind);

  return {
    page,
    join: (numbers) => it.stack.command(`students ${JSON.stringify({
      clip, fps: kind.fps, students: numbers.map((number) => ({ id: studentOf(number), group: number })),
    })}`),
  };
}

function report(what, results) {
  const sorted = (of) => results.map(of).filter((ms) => ms !== null).sort((a, b) => a - b);
  const at = (list, q) => list[Math.min(list.length - 1, Math.floor(q * list.length))];
  const shown = sorted((result) => result.shown);
  const playing = sorted((result) => result.playing);
  const late = sorted(({ lastOther, playing: told }) => (lastOther > told ? lastOther - told : null));
  const sum = (of) => results.reduce((total, result) => total + of(result), 0);
  console.log(
    `${what}: ${results.length} tiles; shown after p50 ${at(shown, 0.5)} p95 ${at(shown, 0.95)} max ${shown.at(-1)} ms; `
    + `told after p50 ${at(playing, 0.5)} p95 ${at(playing, 0.95)} ms; frames of who was there before: `
    + `${sum(({ before }) => before)} before "playing", ${sum(({ between }) => between)} after it `
    + `(at most ${late.at(-1) ?? 0} ms), ${sum(({ after }) => after)} after the right one`,
  );
}
