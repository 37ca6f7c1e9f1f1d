// What the page costs: bytes before the exam, and the main thread during it.

import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';

import { connected, ENTER, scenario } from '../harness/scenario.mjs';

/** Page and face model; docs/webclient.md says what it is made of. */
const MOST_BYTES = 8_000_000;
const OBSERVED_MS = 15_000;

scenario('what is loaded before the exam starts, and no long task during it', {}, async (it) => {
  const device = await it.device();
  const page = device.context.pages()[0];
  const session = await device.context.newCDPSession(page);
  await session.send('Network.enable');
  let received = 0;
  session.on('Network.loadingFinished', ({ encodedDataLength }) => { received += encodedDataLength; });
  // The model is loaded by a worker, which only the context tells of.
  const sizes = new Map();
  device.context.on('requestfinished', async (request) => {
    const { responseBodySize, responseHeadersSize } = await request.sizes().catch(() => ({ responseBodySize: 0, responseHeadersSize: 0 }));
    sizes.set(request.url(), responseBodySize + responseHeadersSize);
  });

  await page.goto(it.stack.links.s1);
  await page.getByRole('button', { name: 'I understand, start' }).click();
  // The detector runs: all that it needs has arrived.
  await page.locator('[data-check="face"][data-verdict="ok"]').waitFor({ timeout: 40_000 });
  const measured = [...sizes].map(([url, size]) => [new URL(url).pathname.split('/').at(-1) || 'page', size]);
  const total = measured.reduce((sum, [, size]) => sum + size, 0);
  console.log(`# ${Math.max(total, received)} bytes before the exam; the page itself ${received}`);
  for (const [name, size] of measured.sort(([, a], [, b]) => b - a).slice(0, 8)) {
    console.log(`#   ${size} ${name}`);
  }
  assert.ok(total > 0 && total < MOST_BYTES, `${total} bytes`);

  await page.getByRole('button', { name: ENTER }).click();
  await connected(page);
  await it.streams('s1', true);

  // Only from here on: the way in may load and render.
  await page.evaluate(() => {
    window.longTasks = [];
    new PerformanceObserver((list) => {
      for (const { duration, attribution } of list.getEntries()) {
        window.longTasks.push({ duration, where: attribution[0]?.containerType ?? '' });
      }
    }).observe({ type: 'longtask' });
  });
  // CPU time, not the clock's: where the machine is shared, a task can be long because others ran.
  await session.send('Performance.enable', { timeDomain: 'threadTicks' });
  const before = await busy(session);
  await pause(OBSERVED_MS);
  const used = (await busy(session)) - before;
  const long = await page.evaluate(() => window.longTasks);
  console.log(`# main thread: ${Math.round(used * 1000)} ms of tasks in ${OBSERVED_MS} ms, long tasks: ${JSON.stringify(long)}`);
  assert.deepEqual(long.filter(({ where }) => where === 'window'), []);
});

async function busy(session) {
  const { metrics } = await session.send('Performance.getMetrics');

  return metrics.find(({ name }) => name === 'TaskDuration').value;
}
