// Leads one student through every screen of the page, and stops at each.

import { createServer } from 'node:http';

import { until } from './poll.mjs';
import { connected, ENTER } from './scenario.mjs';

const QUIZ = `<!doctype html><html lang="en"><meta name="viewport" content="width=device-width"><title>Quiz</title>
<body style="font:1.05rem/1.6 system-ui;max-width:40rem;margin:2rem auto;padding:0 1rem">
<h1 style="font-size:1.4rem">Question 3 of 12</h1><p>What is the median of 3, 1, 2, 7 and 5?</p>
<p><label><input type="radio" name="a"> 2</label><br><label><input type="radio" name="a"> 3</label><br>
<label><input type="radio" name="a"> 5</label></p><p><button>Next question</button></p></body></html>`;

/** A quiz on an origin of its own, as in life. */
export async function serveQuiz() {
  const server = createServer((_request, response) => {
    response.setHeader('Content-Type', 'text/html; charset=utf-8');
    response.end(QUIZ);
  });
  await new Promise((listening) => { server.listen(0, '127.0.0.1', listening); });
  server.unref();

  return `http://127.0.0.1:${server.address().port}/quiz`;
}

/** Of the stack, for walk(). */
export const WALK_FLAGS = ['--opens-in=1h', '--ends-in=3h', '--bad-link'];
/** What Chromium logs of answers that belong to the walk. */
export const WALK_ALLOW = [/status of 40[13]/];

const heading = (page, name) => page.getByRole('heading', { name }).waitFor();

/** visit(page, name) is called on each screen. */
export async function walk(it, browser, visit) {
  const minutes = (count) => Date.now() + count * 60_000;
  await it.stack.command(`exam ${JSON.stringify({ evidence: { retentionMs: 30 * 24 * 3_600_000, pictureEveryMs: 120_000 } })}`);
  const page = await it.open(browser, it.stack.links.s1);
  await until('the notice tells of pictures', async () => {
    await page.reload();
    await heading(page, 'Before you begin');

    return page.getByText('They are deleted 30 days after').isVisible();
  });
  await visit(page, 'notice');

  await page.getByRole('button', { name: 'I understand, start' }).click();
  await heading(page, 'The exam is not open yet');
  await visit(page, 'early');

  // Who comes back before having entered is not asked to agree again.
  await it.stack.command(`exam ${JSON.stringify({ opensAt: minutes(-1), startsAt: minutes(12) })}`);
  await until('the exam is open', async () => {
    await page.reload();
    await page.locator('.check, .countdown').waitFor();

    return page.locator('.check').isVisible();
  });
  await page.locator('[data-check="path"][data-verdict="ok"]').waitFor({ timeout: 30_000 });
  await page.locator('[data-check="face"][data-verdict="ok"]').waitFor({ timeout: 30_000 });
  await visit(page, 'check');

  await it.stack.command('link 1000 1000 0');
  await page.getByRole('button', { name: 'Check the connection again' }).click();
  await page.locator('[data-check="path"][data-verdict="bad"]').waitFor({ timeout: 30_000 });
  await visit(page, 'blocked');

  await it.stack.command('link 0 0 0');
  await page.getByRole('button', { name: 'Check the connection again' }).click();
  await page.getByRole('button', { name: ENTER }).click();
  await connected(page);
  await page.getByRole('heading', { name: 'You are in.' }).waitFor();
  await visit(page, 'waiting-room');

  await it.stack.command(`exam ${JSON.stringify({ startsAt: minutes(-31) })}`);
  await page.frameLocator('iframe').getByText('Question 3').waitFor();
  await visit(page, 'room');

  const devtools = await browser.context.newCDPSession(page);
  await devtools.send('Emulation.setFocusEmulationEnabled', { enabled: false });
  const other = await browser.context.newPage();
  await other.bringToFront();
  await until('FocusLost is counted', async () => (await it.stack.violations('s1', 'FocusLost')) > 0);
  await other.close();
  await page.bringToFront();
  await page.locator('[data-violation="FocusLost"]').waitFor();
  await visit(page, 'warning');

  await it.stack.command(`exam ${JSON.stringify({ endsAt: Date.now() })}`);
  await heading(page, 'Your exam is over');
  await visit(page, 'finished');

  const wrong = await it.open(browser, it.stack.wrongExam);
  await heading(wrong, 'This link is for another exam');
  await visit(wrong, 'error');
}
