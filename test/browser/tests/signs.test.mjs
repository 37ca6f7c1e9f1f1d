// What the page notices, what the server counts, and what the student is told.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';

import { truths } from '../harness/camera.mjs';
import { calm, shows, turn } from '../harness/clips.mjs';
import { measured, MUST_LAST, play, spansOf } from '../harness/detector.mjs';
import { numberIn, recordsOf } from '../harness/evidence.mjs';
import { openFeed } from '../harness/feed.mjs';
import { until } from '../harness/poll.mjs';
import { scenario } from '../harness/scenario.mjs';

scenario('another tab in front for long enough is counted, and the student is told', {}, async (it) => {
  const device = await it.device();
  const page = await it.open(device, it.stack.links.s1);
  await it.enter(page, 's1');
  assert.equal(await it.stack.violations('s1', 'FocusLost'), 0);

  // Playwright makes every page believe that it has the focus.
  const devtools = await device.context.newCDPSession(page);
  await devtools.send('Emulation.setFocusEmulationEnabled', { enabled: false });
  const other = await device.context.newPage();
  await other.bringToFront();
  await page.waitForFunction(() => !document.hasFocus());
  await until('FocusLost is counted', async () => (await it.stack.violations('s1', 'FocusLost')) === 1);
  await page.bringToFront();
  const warning = page.locator('[data-violation="FocusLost"]');
  await warning.waitFor();
  assert.match(await warning.innerText(), /This window was not in front/);
  assert.equal((await it.stack.session('s1')).score, 5);
  await it.shot(page, '4-warning');

  await page.getByRole('button', { name: 'I have read this' }).click();
  await warning.waitFor({ state: 'detached' });
});

scenario('a camera that turns black is counted', {}, async (it) => {
  const device = await it.device({ footage: [['one', 3], ['black', 5]] });
  const page = await it.open(device, it.stack.links.s2);
  await it.enter(page, 's2');
  await until('CameraBlackout is counted', async () => (await it.stack.violations('s2', 'CameraBlackout')) === 1, 30_000);
  await page.getByText('Your camera shows no picture').waitFor();
  assert.equal(await it.stack.violations('s2', 'FocusLost'), 0);
});

scenario('a bright camera and a page in front are not', {}, async (it) => {
  const device = await it.device();
  const page = await it.open(device, it.stack.links.s3);
  await it.enter(page, 's3');
  const { lastSeenAt } = await it.stack.session('s3');
  // Three reports: longer than any sign here has to last.
  await until('reports have arrived', async () => (await it.stack.session('s3')).lastSeenAt > lastSeenAt + 7_000);
  const session = await it.stack.session('s3');
  assert.deepEqual(session.violations ?? [], []);
  assert.equal(session.score, 0);
});

/** From the sign having lasted long enough to the words that the student reads. */
const WARNED_WITHIN_MS = 4_000;

scenario('who turns away is warned in time, and invigilators are told', {}, async (it) => {
  const known = await truths();
  const watcher = await it.device({ noCamera: true });
  const feed = await openFeed(it, watcher);
  const { page } = await play(it, 's1', [...calm(8), ...turn(30, 6), ...calm(4)]);
  const warnedAt = await page.evaluate(() => new Promise((seen) => {
    const look = () => {
      if (document.querySelector('[data-violation="HeadTurned"]') !== null) {
        seen(Date.now());

        return true;
      }

      return false;
    };
    const observer = new MutationObserver(() => look() && observer.disconnect());
    observer.observe(document.body, { subtree: true, childList: true, attributes: true });
    look();
  }));
  const turned = spansOf(await measured(page), (id) => (known.has(id) ? shows(known.get(id)) : null))
    .filter(({ type, from, to }) => type === 'HeadTurned' && from < warnedAt && to - from >= MUST_LAST.HeadTurned - 500);
  assert.ok(turned.length > 0, 'the head was turned for long enough before the warning');
  const late = warnedAt - turned.at(-1).from - MUST_LAST.HeadTurned;
  console.log(`# warned ${late} ms after it had lasted long enough`);
  assert.ok(late >= -500 && late <= WARNED_WITHIN_MS, `${late} ms`);

  const told = await until('the feed tells of it', async () =>
    (await feed.messages()).find(({ type, violation }) => type === 'violation' && violation.type === 'HeadTurned'));
  assert.deepEqual([told.student, told.number, told.score], ['s1', 1, 4]);
  await until('and the session that it shows has it', async () => (await feed.messages()).some(({ sessions = [] }) =>
    sessions.some(({ student, score }) => student === 's1' && score === 4)));
});

scenario('a picture of the violation is uploaded and kept', {}, async (it) => {
  const { page } = await play(it, 's2', [...calm(6), ['two', 4]]);
  await until('MultipleFaces is counted', async () => (await it.stack.violations('s2', 'MultipleFaces')) > 0, 60_000);
  const records = await until('its picture is on record', async () => {
    const all = await recordsOf(it, 's2');

    return all.some(({ check }) => check?.type === 'upload') && all;
  });
  const violation = records.find(({ kind, violation: fact }) => kind === 'violation' && fact.type === 'MultipleFaces');
  const upload = records.find(({ check }) => check?.type === 'upload');
  assert.equal(upload.check.result, 'taken');
  assert.equal(upload.check.of, violation.id);
  const [{ sha256, size, source, capturedAt }, ...more] = upload.blobs;
  assert.deepEqual([source, more], ['client', []]);
  assert.ok(capturedAt <= upload.at + 1_000 && capturedAt > violation.at - 10_000, 'it was taken then');

  const jpeg = await it.evidence(`blobs/${sha256}.jpg`);
  assert.equal(jpeg.length, size);
  assert.equal(createHash('sha256').update(jpeg).digest('hex'), sha256);
  // The number in its corner says which picture the camera showed.
  assert.equal((await truths()).get(await numberIn(page, jpeg)).file, 'two.jpg');
});
