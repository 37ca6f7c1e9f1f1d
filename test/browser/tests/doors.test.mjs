// Who is let in, what the others are told, and how it looks there.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';

import { until } from '../harness/poll.mjs';
import { connected, ENTER, scenario } from '../harness/scenario.mjs';

// Chromium itself logs every answer that is an error.
const REFUSED = [/status of 40[13]/];

const start = (page) => page.getByRole('button', { name: 'I understand, start' }).click();
const heading = (page, name) => page.getByRole('heading', { name }).waitFor();

scenario('links that do not work say why', { allow: REFUSED }, async (it) => {
  const { base, expired, links, stranger, wrongExam } = it.stack;
  const device = await it.device();
  for (const [url, title, code] of [
    [`${base}#not-a-token`, 'This link does not work', 'Unauthenticated'],
    [`${links.s1.slice(0, -8)}AAAAAAAA`, 'This link does not work', 'Unauthenticated'],
    [expired, 'This link has expired', 'TokenExpired'],
    [wrongExam, 'This link is for another exam', 'WrongExam'],
    [stranger, 'You are not on the list for this exam', 'NotEnrolled'],
  ]) {
    const page = await device.context.newPage();
    await page.goto(url);
    await heading(page, title);
    assert.match(await page.locator('.code').innerText(), new RegExp(code));
    await it.shot(page, `7-${code}`);
    await page.close();
  }
  const page = await device.context.newPage();
  await page.goto(base);
  await heading(page, 'Please open your personal link');
});

scenario('an exam that is over takes nobody in', { flags: ['--ends-in=-1m'], allow: REFUSED }, async (it) => {
  const device = await it.device();
  const page = await it.open(device, it.stack.links.s1);
  await heading(page, 'Your exam is over');
  assert.equal(await page.locator('video').count(), 0);
});

scenario('who is early waits on the page and is taken in', { flags: ['--opens-in=12s'], allow: REFUSED }, async (it) => {
  const device = await it.device();
  const page = await it.open(device, it.stack.links.s1);
  await start(page);
  await heading(page, 'The exam is not open yet');
  assert.match(await page.getByRole('timer').innerText(), /Opens in\s*0:\d\d/);
  await it.shot(page, '8-not-open');
  await page.getByRole('button', { name: ENTER }).waitFor({ timeout: 40_000 });
});

scenario('the exam ends while students write', { flags: ['--ends-in=60m'] }, async (it) => {
  const device = await it.device();
  const page = await it.open(device, it.stack.links.s1);
  await it.enter(page, 's1');
  await it.stack.command(`exam ${JSON.stringify({ endsAt: Date.now() + 3_000 })}`);
  await heading(page, 'Your exam is over');
  assert.equal(await page.locator('video').count(), 0);
  await it.streams('s1', false);
  await it.shot(page, '9-finished');
});

scenario('without a camera the page says what to do', {}, async (it) => {
  const device = await it.device({ noCamera: true });
  const page = await it.open(device, it.stack.links.s1);
  await start(page);
  await page.getByText(/CameraMissing|CameraDenied/).waitFor();
  await page.getByRole('button', { name: 'Try again' }).waitFor();
  await it.shot(page, '10-no-camera');
});

const quiz = createServer((_request, response) => {
  response.setHeader('Content-Type', 'text/html; charset=utf-8');
  response.end('<!doctype html><html lang="en"><title>Quiz</title><body><h1>Question 1</h1><p>What is the median of 3, 1, 2?</p></body></html>');
});
await new Promise((listening) => quiz.listen(0, '127.0.0.1', listening));
quiz.unref();
const quizURL = `http://127.0.0.1:${quiz.address().port}/quiz`;

for (const [look, viewport, colorScheme] of [
  ['wide', { width: 1280, height: 800 }, 'light'],
  ['narrow', { width: 320, height: 640 }, 'light'],
  ['dark', { width: 1024, height: 720 }, 'dark'],
]) {
  scenario(`the quiz is framed (${look})`, { flags: ['--ends-in=90m', `--content-url=${quizURL}`], origins: [quizURL] }, async (it) => {
    const device = await it.device({ viewport, colorScheme, reducedMotion: 'reduce' });
    const page = await it.open(device, it.stack.links.s1);
    await page.getByRole('heading', { name: 'Before you begin' }).waitFor();
    await fits(page);
    await it.shot(page, `look-${look}-1-notice`);
    await start(page);
    await page.getByRole('button', { name: ENTER }).waitFor();
    await page.waitForFunction(() => (document.querySelector('video')?.currentTime ?? 0) > 0.3);
    await fits(page);
    await it.shot(page, `look-${look}-2-camera`);
    await page.getByRole('button', { name: ENTER }).click();
    await connected(page);
    await page.frameLocator('iframe').getByText('Question 1').waitFor();
    await fits(page);
    await it.shot(page, `look-${look}-3-live`);

    // Working in the quiz is working in the exam.
    await page.frameLocator('iframe').getByText('Question 1').click();
    assert.ok(await page.evaluate(() => document.hasFocus()));
    const low = await contrasts(page);
    assert.deepEqual(low, [], 'text below a contrast of 4.5');
    await until('the server knows', async () => (await it.stack.session('s1'))?.streaming);
  });
}

/** Nothing has to be scrolled sideways. */
async function fits(page) {
  const [content, window] = await page.evaluate(() => [
    document.documentElement.scrollWidth, document.documentElement.clientWidth,
  ]);
  assert.ok(content <= window, `the page is ${content} px wide in a window of ${window}`);
}

/** Texts whose contrast with what is behind them is below WCAG AA. */
function contrasts(page) {
  return page.evaluate(() => {
    const parse = (color) => (color.match(/[\d.]+/g) ?? []).map(Number);
    const channel = (value) => (value <= 10.31 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
    const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
    const behind = (element) => {
      for (let at = element; at !== null; at = at.parentElement) {
        const color = parse(getComputedStyle(at).backgroundColor);
        if ((color[3] ?? 1) === 1) {
          return color;
        }
      }

      return [255, 255, 255];
    };
    const low = [];
    for (const element of document.querySelectorAll('#root *')) {
      const text = [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim() !== '');
      if (!text) {
        continue;
      }
      const [a, b] = [light(parse(getComputedStyle(element).color)), light(behind(element))].sort((x, y) => y - x);
      const ratio = (a + 0.05) / (b + 0.05);
      if (ratio < 4.5) {
        low.push(`${element.textContent}: ${ratio.toFixed(2)}`);
      }
    }

    return low;
  });
}
