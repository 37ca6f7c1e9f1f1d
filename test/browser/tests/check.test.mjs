// The device check before the exam: what it finds, and whom it keeps out.

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';

import { until } from '../harness/poll.mjs';
import { connected, ENTER, scenario } from '../harness/scenario.mjs';
import { startTurn } from '../harness/turn.mjs';

const verdict = (page, check, want) =>
  page.locator(`[data-check="${check}"][data-verdict="${want}"]`).waitFor({ timeout: 30_000 });

async function toTheCheck(it, device, student = 's1') {
  const page = await it.open(device, it.stack.links[student]);
  await page.getByRole('button', { name: 'I understand, start' }).click();
  await page.getByRole('heading', { name: 'Check your picture' }).waitFor();

  return page;
}

scenario('a good device: all is well, by UDP and by TCP, and no picture has left it', {}, async (it) => {
  const device = await it.device();
  const page = await toTheCheck(it, device);
  for (const check of ['camera', 'light', 'face', 'path']) {
    await verdict(page, check, 'ok');
  }
  assert.match(await page.locator('.legs').innerText(), /UDP: works\s*TCP: works/);
  const metrics = await it.stack.metrics();
  assert.equal(metrics.get('invigil_sfu_received_packets_total'), 0, 'no media packet has arrived');
  assert.equal(await page.evaluate(() => window.peersOfTest.every((peer) => peer.connectionState === 'closed')), true);
  await until('the sessions of the check are gone', async () => (await it.stack.streams()).length === 0);

  await page.getByRole('button', { name: 'Enter the exam' }).click();
  await connected(page);
  await it.streams('s1', true);
});

scenario('a network without any way to the SFU closes the door, and says what to tell the helpdesk', {
  flags: ['--bad-link'],
}, async (it) => {
  const device = await it.device();
  await it.stack.command('link 1000 1000 0');
  const page = await toTheCheck(it, device);
  await verdict(page, 'path', 'bad');
  assert.match(await page.getByRole('alert').innerText(), /UDP 127\.0\.0\.1:\d+ and TCP 127\.0\.0\.1:\d+/);
  assert.equal(await page.getByRole('button', { name: ENTER }).count(), 0);

  // Another network, as it were: UDP comes through the relay again, TCP does not.
  await it.stack.command('link 0 0 0');
  await page.getByRole('button', { name: 'Check the connection again' }).click();
  await verdict(page, 'path', 'ok');
  assert.match(await page.locator('.legs').innerText(), /UDP: works\s*TCP: blocked/);
  await page.getByRole('button', { name: ENTER }).click();
  await connected(page);
});

scenario('a TURN server is checked as the third way, with a password that scoring makes', {}, async (it) => {
  const turn = await startTurn(it.dir);
  // A join of somebody else's, to see which secret scoring makes passwords of.
  const offered = async (secret) => {
    const { iceServers: [server] } = await it.stack.join('s3');

    return server?.credential === createHmac('sha1', secret).update(server.username).digest('base64');
  };
  try {
    await it.stack.command(`exam ${JSON.stringify({ iceServers: [turn.config] })}`);
    await until('scoring offers it', () => offered(turn.config.secret));
    const device = await it.device();
    const page = await toTheCheck(it, device);
    await verdict(page, 'path', 'ok');
    assert.match(await page.locator('.legs').innerText(), /UDP: works\s*TCP: works\s*Relay \(TURN\): works/);

    // A secret that the server does not know.
    await it.stack.command(`exam ${JSON.stringify({ iceServers: [{ ...turn.config, secret: 'south' }] })}`);
    await until('scoring makes other passwords', () => offered('south'));
    await page.reload();
    await verdict(page, 'path', 'ok');
    assert.match(await page.locator('.legs').innerText(), /UDP: works\s*TCP: works\s*Relay \(TURN\): blocked/);
    await page.getByRole('button', { name: ENTER }).click();
    await connected(page);
  } finally {
    await turn.stop();
  }
});

scenario('a dark room is told of, and keeps nobody out', {}, async (it) => {
  const device = await it.device({ footage: [['black', 1]] });
  const page = await toTheCheck(it, device);
  await verdict(page, 'light', 'bad');
  await page.getByText('please look at what is marked first').waitFor();
  await page.getByRole('button', { name: 'Enter anyway' }).click();
  await connected(page);
});

scenario('who has two cameras chooses, and a reload remembers it', {}, async (it) => {
  // Chromium's own test picture: a file would be the only camera.
  const device = await it.device({ noCamera: true, args: [
    '--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream=device-count=2',
  ] });
  const page = await toTheCheck(it, device);
  const select = page.getByLabel('Camera', { exact: true });
  const [first, second] = await select.locator('option').evaluateAll((options) => options.map(({ value }) => value));
  assert.equal(await select.inputValue(), first);
  await select.selectOption(second);
  const used = () => page.evaluate(() => document.querySelector('video')?.srcObject?.getVideoTracks()[0].getSettings().deviceId);
  await until('the other camera is used', async () => (await used()) === second);
  await page.reload();
  await until('it still is after a reload', async () => (await used()) === second);
});
