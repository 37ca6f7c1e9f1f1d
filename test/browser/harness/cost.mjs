// What a page costs while it runs: its main thread, its browser, its memory, and
// how smoothly it scrolls.

import { cpuSeconds } from './processes.mjs';

/** Begins to measure; the function that it returns ends it, and says what it was. */
export async function measureCost({ context, profile }, page) {
  // Each session has a clock of its own: time that has passed, and time that the thread has computed.
  const clock = await context.newCDPSession(page);
  await clock.send('Performance.enable', { timeDomain: 'timeTicks' });
  const thread = await context.newCDPSession(page);
  await thread.send('Performance.enable', { timeDomain: 'threadTicks' });
  await page.evaluate(() => {
    window.longTasksOfTest = [];
    new PerformanceObserver((list) => {
      window.longTasksOfTest.push(...list.getEntries().map(({ duration }) => duration));
    }).observe({ type: 'longtask' });
  });
  const look = async () => ({
    at: performance.now() / 1_000,
    busy: await metric(clock, 'TaskDuration'),
    cpu: await metric(thread, 'TaskDuration'),
    browser: await cpuSeconds(profile),
  });
  const heapStart = await heap(clock);
  await page.evaluate(() => { window.longTasksOfTest.length = 0; });
  const before = await look();

  return async () => {
    const after = await look();
    const longTasks = await page.evaluate(() => window.longTasksOfTest);
    const share = (of) => (after[of] - before[of]) / (after.at - before.at);
    const heapEnd = await heap(clock);
    const nodes = await page.locator('*').count();
    await clock.detach();
    await thread.detach();

    return {
      seconds: after.at - before.at,
      main_thread_busy: share('busy'),
      main_thread_cpu: share('cpu'),
      browser_cores: share('browser'),
      long_tasks: longTasks.length,
      longest_task_ms: Math.max(0, ...longTasks),
      dom_nodes: nodes,
      heap_mib_start: heapStart,
      heap_mib_end: heapEnd,
    };
  };
}

async function metric(session, wanted) {
  const { metrics } = await session.send('Performance.getMetrics');

  return metrics.find(({ name }) => name === wanted).value;
}

/** What is left after the garbage is collected, in MiB. */
async function heap(session) {
  await session.send('HeapProfiler.collectGarbage');
  const { usedSize } = await session.send('Runtime.getHeapUsage');

  return usedSize / 2 ** 20;
}

/** Scrolls up and down at a steady pace, and counts the frames that the page gets to draw. */
export function scrollFor(page, seconds, scroller) {
  return page.evaluate(async ([ms, selector]) => {
    const PIXELS_PER_MS = 1.5;
    const box = document.querySelector(selector);
    const frame = () => new Promise((drawn) => { requestAnimationFrame(drawn); });
    const gaps = [];
    const began = await frame();
    for (let before = began, way = 1; before - began < ms;) {
      const now = await frame();
      gaps.push(now - before);
      const at = box.scrollTop;
      box.scrollTop = at + way * (now - before) * PIXELS_PER_MS;
      way = box.scrollTop === at ? -way : way;
      before = now;
    }
    gaps.sort((a, b) => a - b);

    return {
      scroll_fps: (1_000 * gaps.length) / gaps.reduce((sum, gap) => sum + gap, 0),
      scroll_frame_ms_p95: gaps[Math.floor(0.95 * gaps.length)],
    };
  }, [seconds * 1_000, scroller]);
}
