// The face detector on the real page, with pictures whose truth is known.

import assert from 'node:assert/strict';

import { truths } from '../harness/camera.mjs';
import { calm, events, shows, speech, sweep } from '../harness/clips.mjs';
import { compare, measured, MUST_LAST, play, shortTTL, spansOf } from '../harness/detector.mjs';
import { until } from '../harness/poll.mjs';
import { scenario } from '../harness/scenario.mjs';

const truth = await truths();
const show = (id) => (truth.has(id) ? shows(truth.get(id)) : null);

scenario('what happens before the camera is reported, and nothing else', {}, async (it) => {
  await shortTTL(it.stack);
  const { page, reported } = await play(it, 's1', events({ bothSides: false }));
  const wanted = ['FaceMissing', 'MultipleFaces', 'CameraBlackout', 'HeadTurned', 'GazeDeviation', 'LowQuality'];
  await until('each has been reported', () => wanted.every((type) => reported.some((one) => one.type === type)), 90_000);

  const { due, wrong } = compare(spansOf(await measured(page), show), reported, MUST_LAST);
  assert.deepEqual(wrong, []);
  for (const { type, delayMs } of due) {
    assert.ok(delayMs === null || (delayMs > -500 && delayMs < 2_500), `${type} took ${delayMs} ms longer than it must last`);
  }
  // The server has counted it, and the student is told.
  assert.ok(await it.stack.violations('s1', 'FaceMissing') >= 1);
  assert.equal(await it.stack.violations('s1', 'FocusLost'), 0);
});

scenario('head and eyes are followed, and a mouth that speaks is noticed', {}, async (it) => {
  const { page, reported } = await play(it, 's3', [...calm(4), ...sweep(), ...calm(2), ...speech(6)]);
  await until('the mouth has spoken', () => reported.some(({ type }) => type === 'Speaking'), 60_000);
  const frames = await until('every picture was looked at', async () => {
    const all = await measured(page);

    return new Set(all.map(({ id }) => id)).size >= 36 && all;
  }, 90_000);

  const seen = frames.filter(({ faces }) => faces?.length === 1);
  const right = frames.filter(({ id, faces }) => truth.has(id) && faces.length === truth.get(id).faces);
  assert.ok(right.length / frames.length > 0.95, `${right.length} of ${frames.length} counts are right`);
  const head = fit(seen, (id) => (/^yaw/.test(truth.get(id)?.file) ? truth.get(id).yaw : null), ({ pose }) => pose.yaw);
  assert.ok(head.r > 0.99 && head.slope > 0.7 && head.slope < 1.1, `head: ${JSON.stringify(head)}`);
  const eyes = fit(seen, (id) => (/^gaze/.test(truth.get(id)?.file) ? truth.get(id).gaze : null), ({ irisOffset }) => irisOffset);
  assert.ok(eyes.r > 0.98 && eyes.slope > 0.008 && eyes.slope < 0.013, `eyes: ${JSON.stringify(eyes)}`);
});

/** Least squares of what is measured against what is true, and their correlation. */
function fit(frames, truthOf, valueOf) {
  const points = frames
    .map((frame) => [truthOf(frame.id), valueOf(frame.faces[0])])
    .filter(([x, y]) => x !== null && y !== undefined && y !== null);
  const mean = (axis) => points.reduce((sum, point) => sum + point[axis], 0) / points.length;
  const [mx, my] = [mean(0), mean(1)];
  const sum = (of) => points.reduce((total, [x, y]) => total + of(x - mx, y - my), 0);
  const [xx, xy, yy] = [sum((x) => x * x), sum((x, y) => x * y), sum((_, y) => y * y)];

  return { slope: xy / xx, r: xy / Math.sqrt(xx * yy), points: points.length };
}
