// What the face detector of a page does, seen from outside: which frames it was
// given (by the number in their corner), what it measured of them, and what the
// page reported.

import { until } from './poll.mjs';

/** Call before the page is opened. Collects from then on. */
export async function watchDetector(context) {
  await context.addInitScript(watchWorkers);
  const reported = [];
  const listen = (page) => page.on('websocket', (socket) => socket.on('framesent', ({ payload }) => {
    const message = JSON.parse(payload);
    for (const violation of message.violations ?? []) {
      // A report that was not acknowledged goes out again.
      if (!reported.some(({ type, at }) => type === violation.type && at === violation.at)) {
        reported.push(violation);
      }
    }
  }));
  context.pages().forEach(listen);
  context.on('page', listen);

  return { reported };
}

/** Everything that was measured, each with the number of its frame. */
export function measured(page) {
  return page.evaluate(() => window.detectorOfTest.measured);
}

export function workers(page) {
  return page.evaluate(() => window.detectorOfTest.workers);
}

/** What each of them runs, and what it lacks. */
export function engines(page) {
  return page.evaluate(() => window.detectorOfTest.ready.map(({ engine, code }) => ({ engine, code })));
}

/** Runs in the page: listens to its worker. */
function watchWorkers() {
  const log = { measured: [], workers: 0, ready: [] };
  window.detectorOfTest = log;
  const BLOCK = 12;
  const canvas = new OffscreenCanvas(12 * BLOCK, BLOCK);
  const context = canvas.getContext('2d', { willReadFrequently: true });
  // Eight bits, most significant first, after a white and a black block.
  const numberIn = (frame) => {
    context.drawImage(frame, 0, 0);
    const bit = (i) => (context.getImageData(i * BLOCK + BLOCK / 2, BLOCK / 2, 1, 1).data[1] > 127 ? 1 : 0);
    const bits = Array.from({ length: 12 }, (_, i) => bit(i)).join('');

    return /^10\d{8}01$/.test(bits) ? parseInt(bits.slice(2, 10), 2) : null;
  };
  const numbers = new Map();
  window.Worker = class extends Worker {
    constructor(...args) {
      super(...args);
      log.workers += 1;
      log.worker = this;
      this.addEventListener('message', ({ data }) => {
        if (data.type === 'measured') {
          log.measured.push({ ...data.measures, id: numbers.get(data.measures.at) ?? null });
          numbers.delete(data.measures.at);
        } else if (data.type === 'ready') {
          log.ready.push(data);
        }
      });
    }

    postMessage(message, ...rest) {
      if (message.type === 'frame') {
        numbers.set(message.at, numberIn(message.frame));
      }
      super.postMessage(message, ...rest);
    }
  };
}

/**
 * Opens a student's page whose camera plays a clip, and waits until its faces are
 * looked at. prepare is called with the browser before that.
 */
export async function play(it, student, clip, { prepare, ...options } = {}) {
  const device = await it.device({ footage: clip, ...options });
  await prepare?.(device.context);
  const seen = await watchDetector(device.context);
  const page = await it.open(device, it.stack.links[student]);
  await it.enter(page, student);
  await until('faces are looked at', async () => (await measured(page)).at(-1)?.faces?.length > 0, 40_000);

  return { device, page, reported: seen.reported };
}

/**
 * How long each violation was to be seen, by the numbers of the frames: one entry
 * for each time. show says what a frame's truth shows.
 */
export function spansOf(frames, show) {
  const spans = [];
  let open = null;
  for (const { at, id } of frames) {
    const type = show(id);
    if (open !== null && type !== open.type) {
      open = null;
    }
    if (type !== null && open === null) {
      open = { type, from: at, to: at };
      spans.push(open);
    }
    if (open !== null) {
      open.to = at;
    }
  }

  return spans;
}

/**
 * Reports against truth. due: spans that lasted long enough to be reported, with
 * how long the first report took beyond what it must last. wrong: reports of what
 * was not there.
 */
export function compare(spans, reported, mustLast, slackMs = 1_000) {
  const due = spans
    .filter(({ type, from, to }) => to - from >= mustLast[type] + slackMs)
    .map((span) => {
      const report = reported.find((one) => one.type === span.type && overlap(one, span));

      return { ...span, delayMs: report === undefined ? null : report.at + report.lastedMs - span.from - mustLast[span.type] };
    });
  const wrong = reported.filter((one) => !spans.some((span) => span.type === one.type && overlap(one, span)));

  return { due, wrong };
}

/** Within the time that the page needs to notice a sign's end. */
function overlap({ at, lastedMs }, { from, to }) {
  return at <= to + 800 && at + lastedMs >= from;
}

/** The policy of test/browser/stack, with a short TTL so that each time is reported. */
export const MUST_LAST = {
  MultipleFaces: 1_000,
  FaceMissing: 3_000,
  CameraBlackout: 2_000,
  GazeDeviation: 2_000,
  HeadTurned: 2_000,
  FocusLost: 1_000,
  Speaking: 2_000,
  LowQuality: 5_000,
};

export function shortTTL(stack) {
  const violations = Object.entries(MUST_LAST).map(([type, mustLastMs]) => ({
    type, severity: 'low', weight: 1, ttlMs: 4_000, mustLastMs,
  }));

  return stack.command(`exam ${JSON.stringify({ policy: { violations } })}`);
}
