// A student's way through the exam, and what becomes of their stream.

import assert from 'node:assert/strict';

import { sent } from '../harness/browser.mjs';
import { until } from '../harness/poll.mjs';
import { connected, scenario } from '../harness/scenario.mjs';

scenario('a student enters the exam by keyboard alone and streams', { flags: ['--ends-in=45m'] }, async (it) => {
  const device = await it.device();
  const page = await it.open(device, it.stack.links.s1);
  await page.getByRole('heading', { name: 'Before you begin' }).waitFor();
  assert.equal(new URL(page.url()).hash, '', 'the token is gone from the address');
  assert.equal(await page.evaluate(() => window.peersOfTest.length), 0);
  assert.equal(await it.stack.session('s1').then((session) => session?.joinedAt ?? 0), 0, 'nobody joins before consent');
  await it.shot(page, '1-notice');

  await page.keyboard.press('Tab');
  assert.equal(await focused(page), 'I understand, start');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Check your picture' }).waitFor();
  await playing(page);
  assert.equal(await focused(page), 'Check your picture', 'the focus goes to the new screen');
  // The device check tries the way to the SFU with connections that carry no track.
  assert.ok(await page.evaluate(() => window.peersOfTest.every((peer) => peer.getSenders().every(({ track }) => track === null))), 'nothing is sent before entering');
  await it.shot(page, '2-camera');

  await page.locator('[data-check="path"][data-verdict="ok"]').waitFor();
  await page.keyboard.press('Tab');
  assert.match(await focused(page), /^Enter /);
  await page.keyboard.press('Enter');
  await connected(page);
  const session = await it.streams('s1', true);
  assert.equal(session.state, 'Live');
  // What the rule about other origins stands on: sockets are seen too.
  assert.ok(device.log.requests.some((url) => url.startsWith('ws://') && url.endsWith('/api/v1/events')));

  const first = await until('frames are encoded', async () => {
    const stats = await sent(page);

    return stats.frames > 0 && stats;
  });
  assert.equal(first.codec, 'video/VP8');
  await until('more frames are encoded', async () => (await sent(page)).frames > first.frames + 15);
  assert.match(await page.locator('.clock').innerText(), /Time left\s*4[45]:\d\d/);
  await playing(page);
  await it.shot(page, '3-live');

  await page.keyboard.press('Tab');
  assert.equal(await focused(page), 'Hide my picture');
  await page.keyboard.press('Space');
  await page.getByText('The invigilators still see it.').waitFor();
  assert.equal(await page.locator('video').count(), 0);
  const hidden = await sent(page);
  await until('the stream goes on', async () => (await sent(page)).frames > hidden.frames);
});

scenario('closing the tab ends the stream at once', {}, async (it) => {
  const device = await it.device();
  const page = await it.open(device, it.stack.links.s1);
  await it.enter(page, 's1');
  await device.context.newPage();
  const closedAt = Date.now();
  // As a person closes it: with the page's own end.
  await page.close({ runBeforeUnload: true });
  await it.streams('s1', false);
  const took = Date.now() - closedAt;
  assert.ok(took < 3_000, `streaming: false came after ${took} ms`);
});

scenario('a crashed page ends the stream within seconds', { allow: [/./] }, async (it) => {
  const device = await it.device();
  const page = await it.open(device, it.stack.links.s1);
  await it.enter(page, 's1');
  // The renderer dies: no pagehide, no DELETE. The SFU has to notice by itself.
  await device.context.newPage();
  await page.goto('chrome://crash').catch(() => undefined);
  await it.streams('s1', false);
});

scenario('a reload resumes the exam without a question', {}, async (it) => {
  const device = await it.device();
  const page = await it.open(device, it.stack.links.s1);
  await it.enter(page, 's1');
  const before = await it.stack.session('s1');
  await page.reload();
  await connected(page);
  await until('frames are encoded', async () => (await sent(page)).frames > 10);
  const after = await it.streams('s1', true);
  assert.equal(after.state, 'Live');
  assert.equal(after.joinedAt, before.joinedAt, 'it is the same session');
  assert.equal(new URL(page.url()).hash, '');
});

scenario('a second tab takes over, and the first says why', {}, async (it) => {
  const device = await it.device();
  const first = await it.open(device, it.stack.links.s1);
  await it.enter(first, 's1');
  const second = await it.open(device, it.stack.links.s1);
  await it.enter(second, 's1');
  await first.getByRole('heading', { name: 'Your exam continues elsewhere' }).waitFor();
  assert.equal(await first.locator('video').count(), 0, 'its camera is off');
  await it.shot(first, '6-replaced');
  const stats = await sent(second);
  await until('the second one streams', async () => (await sent(second)).frames > stats.frames + 15);

  await first.getByRole('button', { name: 'Continue here' }).click();
  await connected(first);
  await second.getByRole('heading', { name: 'Your exam continues elsewhere' }).waitFor();
  await it.streams('s1', true);
});

scenario('the SFU goes and comes back: interrupted, then live again by itself', {
  // The offers that find no SFU are answered with an error, as they should be.
  allow: [/status of 50[23]/, /net::ERR_/],
}, async (it) => {
  const device = await it.device();
  const page = await it.open(device, it.stack.links.s1);
  await it.enter(page, 's1');
  await it.stack.command('kill sfu');
  await page.locator('.connection.interrupted').waitFor({ timeout: 30_000 });
  await page.getByText('It is being restored').waitFor();
  await it.shot(page, '5-interrupted');
  await it.streams('s1', false);

  await it.stack.command('start sfu');
  await page.locator('.connection.live').waitFor({ timeout: 60_000 });
  await it.streams('s1', true);
  await until('frames are encoded', async () => (await sent(page)).frames > 10);
  assert.equal(await it.stack.session('s1').then(({ score }) => score), 0, 'an outage costs nothing');
});

scenario('scoring goes and comes back: nothing is lost', {
  allow: [/net::ERR_/, /WebSocket connection to .* failed/, /status of 50[23]/],
}, async (it) => {
  const device = await it.device();
  const page = await it.open(device, it.stack.links.s1);
  await it.enter(page, 's1');
  await it.stack.command('kill scoring');
  await page.locator('.connection.interrupted').waitFor({ timeout: 30_000 });
  await it.stack.command('start scoring');
  await page.locator('.connection.live').waitFor({ timeout: 60_000 });
  const session = await it.streams('s1', true);
  assert.equal(session.state, 'Live');
});

function focused(page) {
  return page.evaluate(() => document.activeElement?.textContent?.trim() ?? '');
}

function playing(page) {
  return page.waitForFunction(() => (document.querySelector('video')?.currentTime ?? 0) > 0.5);
}
