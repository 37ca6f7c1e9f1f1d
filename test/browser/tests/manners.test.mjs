// What goes wrong in life, and that it ends well without the student doing more
// than the page says.

import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';

import { sent } from '../harness/browser.mjs';
import { until } from '../harness/poll.mjs';
import { putToSleep } from '../harness/processes.mjs';
import { connected, scenario } from '../harness/scenario.mjs';

const OUTAGE = [/net::ERR_/, /WebSocket connection to .* failed/, /status of 50[23]/];

async function frames(page) {
  const before = (await sent(page)).frames;
  // One a second, while nobody watches.
  await until('frames are sent', async () => (await sent(page)).frames > before + 2);
}

/** How many violations wait in the page's database. */
function kept(page) {
  return page.evaluate(() => new Promise((resolve, reject) => {
    const open = indexedDB.open('invigil');
    open.onerror = reject;
    open.onsuccess = () => {
      const count = open.result.transaction('outbox').objectStore('outbox').count();
      count.onsuccess = () => {
        open.result.close();
        resolve(count.result);
      };
    };
  }));
}

/** Another tab is in front for long enough to be a sign. */
async function lookAway(browser, page) {
  const devtools = await browser.context.newCDPSession(page);
  await devtools.send('Emulation.setFocusEmulationEnabled', { enabled: false });
  const other = await browser.context.newPage();
  await other.bringToFront();
  await page.waitForFunction(() => !document.hasFocus());
  await pause(2_500);
  await other.close();
  await page.bringToFront();
  await devtools.send('Emulation.setFocusEmulationEnabled', { enabled: true });
}

scenario('a violation during an outage survives a reload, and is counted once', { allow: OUTAGE }, async (it) => {
  const device = await it.device();
  const page = await it.open(device, it.stack.links.s1);
  await it.enter(page, 's1');
  await it.stack.command('kill scoring');
  await page.locator('.connection.interrupted').waitFor({ timeout: 30_000 });
  await lookAway(device, page);
  assert.equal(await kept(page), 1);
  await page.reload().catch(() => undefined);
  // The browser's own page comes a moment after the failure, and would end the next navigation.
  await page.waitForURL(/^chrome-error:/, { waitUntil: 'commit' });

  await it.stack.command('start scoring');
  await page.goto(it.stack.base);
  await connected(page);
  await until('it is counted', async () => (await it.stack.violations('s1', 'FocusLost')) === 1);
  await until('it is kept no longer', async () => (await kept(page)) === 0);
  await page.reload();
  await connected(page);
  await frames(page);
  assert.equal(await it.stack.violations('s1', 'FocusLost'), 1);
});

scenario('what a tab kept that was closed without net is taken over by the next one, and counted once', { allow: OUTAGE }, async (it) => {
  const device = await it.device();
  const page = await it.open(device, it.stack.links.s1);
  await it.enter(page, 's1');
  await device.context.setOffline(true);
  await it.stack.command('kill scoring');
  await page.locator('.connection.interrupted').waitFor({ timeout: 30_000 });
  await lookAway(device, page);
  await until('it is kept', async () => (await kept(page)) === 1);
  const blank = await device.context.newPage();
  await page.close();
  await it.stack.command('start scoring');
  await device.context.setOffline(false);

  // Somebody else on the same machine takes over nothing.
  await blank.goto(it.stack.links.s2);
  await it.enter(blank, 's2');
  assert.equal(await kept(blank), 1);
  await blank.close();

  const next = await device.context.newPage();
  await next.goto(it.stack.links.s1);
  await it.enter(next, 's1');
  await until('it is counted', async () => (await it.stack.violations('s1', 'FocusLost')) === 1);
  await until('it is kept no longer', async () => (await kept(next)) === 0);
  assert.equal(await it.stack.violations('s2', 'FocusLost'), 0);
});

scenario('a full minute without net costs its time, and what was seen meanwhile is counted once', {
  allow: OUTAGE, flags: ['--bad-link'],
}, async (it) => {
  const device = await it.device();
  const page = await it.open(device, it.stack.links.s1);
  await it.enter(page, 's1');
  const gone = Date.now();
  await device.context.setOffline(true);
  // Sockets and media that are there do not notice that.
  await it.stack.command('kill scoring');
  await it.stack.command('link 1000 1000 0');
  await page.locator('.connection.interrupted').waitFor({ timeout: 30_000 });
  await lookAway(device, page);
  await until('it is kept', async () => (await kept(page)) === 1);
  await until('the minute has passed', () => Date.now() - gone > 60_000, 70_000);
  assert.equal(await kept(page), 1);

  await it.stack.command('start scoring');
  await it.stack.command('link 0 0 0');
  await device.context.setOffline(false);
  await connected(page);
  await it.streams('s1', true);
  await until('it is counted', async () => (await it.stack.violations('s1', 'FocusLost')) === 1);
  await until('it is kept no longer', async () => (await kept(page)) === 0);
  await frames(page);
  const { lastSeenAt } = await it.stack.session('s1');
  // Two reports later there is still one.
  await until('reports arrive', async () => (await it.stack.session('s1')).lastSeenAt > lastSeenAt + 5_000);
  const { score, violations, state } = await it.stack.session('s1');
  assert.deepEqual([state, score, violations.map(({ type, count }) => [type, count])], ['Live', 5, [['FocusLost', 1]]]);
});

scenario('after a long outage the page is back at once when the network is', { allow: OUTAGE }, async (it) => {
  const device = await it.device();
  const page = await it.open(device, it.stack.links.s1);
  await it.enter(page, 's1');
  await device.context.setOffline(true);
  await it.stack.command('kill scoring');
  await page.locator('.connection.interrupted').waitFor({ timeout: 30_000 });
  // By now the page waits up to 15 s between two tries.
  await pause(20_000);
  await it.stack.command('start scoring');
  const back = Date.now();
  await device.context.setOffline(false);
  await connected(page);
  const took = Date.now() - back;
  console.log(`# connected ${took} ms after the network was back`);
  assert.ok(took < 5_000, `it took ${took} ms`);
  assert.equal((await it.stack.session('s1')).score, 0);
});

scenario('a device that slept is back at once, and nothing is counted', { allow: OUTAGE }, async (it) => {
  const device = await it.device();
  const page = await it.open(device, it.stack.links.s1);
  await it.enter(page, 's1');
  const wake = await putToSleep(device.profile);
  try {
    // The SFU gives a stream up after 8 s.
    await it.streams('s1', false);
    await pause(12_000);
  } finally {
    wake();
  }
  const woken = Date.now();
  await it.streams('s1', true);
  console.log(`# streaming ${Date.now() - woken} ms after waking up`);
  await connected(page);
  await frames(page);
  assert.deepEqual((await it.stack.session('s1')).violations ?? [], []);
});

scenario('a camera that is pulled out and plugged in again goes on by itself', {}, async (it) => {
  const device = await it.device();
  const page = await it.open(device, it.stack.links.s1);
  await it.enter(page, 's1');
  const peers = await page.evaluate(() => window.peersOfTest.length);
  // Chromium's file camera cannot be unplugged: what the page would see is played.
  await page.evaluate(() => {
    const [{ track }] = window.peersOfTest.at(-1).getSenders();
    track.stop();
    track.dispatchEvent(new Event('ended'));
  });
  await page.getByText('Plug it in again, and it goes on by itself').waitFor();
  await page.evaluate(() => navigator.mediaDevices.dispatchEvent(new Event('devicechange')));
  await page.waitForFunction(() => (document.querySelector('video')?.currentTime ?? 0) > 0.3);
  await frames(page);
  assert.equal(await page.evaluate(() => window.peersOfTest.length), peers, 'it is the same publication');
});
