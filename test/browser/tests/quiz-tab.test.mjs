// A quiz in a tab of its own: where it opens, and what is not noted then.

import assert from 'node:assert/strict';

import { until } from '../harness/poll.mjs';
import { scenario } from '../harness/scenario.mjs';
import { serveQuiz } from '../harness/screens.mjs';

const quizURL = await serveQuiz();

scenario('working on a quiz in its own tab is not losing the focus', {
  flags: [`--content-url=${quizURL}`], origins: [quizURL],
}, async (it) => {
  await it.stack.command('exam {"contentPlacement": "Tab"}');
  const device = await it.device();
  const page = await it.open(device, it.stack.links.s1);
  await until('the notice does not speak of other tabs', async () => {
    await page.reload();
    await page.getByRole('heading', { name: 'Before you begin' }).waitFor();

    return (await page.getByText('Another window or tab').count()) === 0;
  });
  await it.enter(page, 's1');
  assert.equal(await page.locator('iframe').count(), 0);

  const devtools = await device.context.newCDPSession(page);
  await devtools.send('Emulation.setFocusEmulationEnabled', { enabled: false });
  const opened = device.context.waitForEvent('page');
  await page.getByRole('link', { name: 'Open the questions in their own tab' }).click();
  const quiz = await opened;
  await quiz.getByText('Question 3').waitFor();
  assert.equal(await quiz.evaluate(() => window.opener), null);
  await quiz.bringToFront();
  await page.waitForFunction(() => !document.hasFocus());
  const { lastSeenAt } = await it.stack.session('s1');
  await until('reports have arrived', async () => (await it.stack.session('s1')).lastSeenAt > lastSeenAt + 6_000);
  assert.equal(await it.stack.violations('s1', 'FocusLost'), 0);
});
