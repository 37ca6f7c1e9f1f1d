// How soon a wall shows what has happened: the picture of a tile that comes into
// sight, and the badge of a violation.

/** Before the wall is opened: when a video element has last told the page of a frame. */
export function watchFrames(context) {
  return context.addInitScript(() => {
    const { prototype } = HTMLVideoElement;
    const request = prototype.requestVideoFrameCallback;
    const told = new WeakMap();
    window.framesOfTest = told;
    prototype.requestVideoFrameCallback = function watched(callback) {
      return request.call(this, (now, metadata) => {
        told.set(this, performance.now());
        callback(now, metadata);
      });
    };
  });
}

/** A tile that has no picture for so long has none to come. */
const MOST_MS = 60_000;

/**
 * Scrolls to a row of tiles at once. Returns of each tile that came into sight by
 * it, how many ms later it was told of the first frame that the wall takes for
 * this student's, and shows. All of them have to publish.
 */
export function jump(page, row) {
  return page.evaluate(([to, mostMs]) => new Promise((done, failed) => {
    const box = document.querySelector('.wall-scroll');
    const delays = new Map();
    const inSight = () => {
      const { top, bottom } = box.getBoundingClientRect();

      return [...document.querySelectorAll('.tile')].filter((tile) => {
        const at = tile.getBoundingClientRect();

        return at.bottom > top && at.top < bottom && known?.has(tile.dataset.id) !== true;
      });
    };
    let known = null;
    known = new Set(inSight().map(({ dataset }) => dataset.id));
    const began = performance.now();
    const look = () => {
      const tiles = inSight();
      for (const tile of tiles) {
        const video = tile.querySelector('.slot-video[data-shown=true] video');
        if (video !== null && !delays.has(tile.dataset.id)) {
          // Drawn ahead, it may be there before.
          delays.set(tile.dataset.id, Math.max(0, window.framesOfTest.get(video) - began));
        }
      }
      if (tiles.length > 0 && tiles.every(({ dataset }) => delays.has(dataset.id))) {
        observer.disconnect();
        clearTimeout(timer);
        done([...delays.values()]);
      }
    };
    const timer = setTimeout(() => {
      const without = inSight().filter(({ dataset }) => !delays.has(dataset.id));
      failed(new Error(`no picture in ${mostMs} ms: ${without.map(({ innerText }) => innerText).join('; ')}`));
    }, mostMs);
    const observer = new MutationObserver(look);
    observer.observe(box, { subtree: true, childList: true, attributeFilter: ['data-shown'] });
    box.scrollTop = to * (document.querySelector('.wall-row').offsetHeight + 8);
  }), [row, MOST_MS]);
}

/** How many ms after a student's report of a violation the tile, which is in sight, tells of it. */
export async function badgeDelay(page, reporter, id, type) {
  await page.evaluate((student) => {
    const tile = document.querySelector(`[data-id="${student}"]`);
    const words = () => tile.querySelector('.tile-last').textContent;
    const before = words();
    window.badgeOfTest = new Promise((told) => {
      const observer = new MutationObserver(() => {
        if (words() !== before) {
          observer.disconnect();
          told(Date.now());
        }
      });
      observer.observe(tile, { subtree: true, childList: true, characterData: true });
    });
  }, id);
  const sent = await reporter.evaluate(async (of) => {
    const at = Date.now();
    await window.student.report([of], 6_000);

    return at;
  }, type);

  return (await page.evaluate(() => window.badgeOfTest)) - sent;
}
