// What the page notices, what the server counts, and what the student is told.

import assert from 'node:assert/strict';

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
