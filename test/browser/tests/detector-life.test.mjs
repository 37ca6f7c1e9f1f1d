// The face detector's life: long quiet, engines that fail, browsers without one.

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { calm, ordinary } from '../harness/clips.mjs';
import { engines, measured, play, watchDetector, workers } from '../harness/detector.mjs';
import { until } from '../harness/poll.mjs';
import { scenario } from '../harness/scenario.mjs';

scenario('ordinary behaviour reports nothing', {}, async (it) => {
  const { page, reported } = await play(it, 's2', ordinary(30));
  const from = Date.now();
  await until('it has been looked at for long enough', () => Date.now() - from > 20_000, 40_000);
  assert.deepEqual(reported, []);
  const frames = await measured(page);
  // One frame in the second at the very least, however busy the machine is.
  assert.ok(frames.length > 20, `${frames.length} frames were looked at`);
});

scenario('an engine that fails is replaced', {}, async (it) => {
  const { page } = await play(it, 's1', calm(6));
  await page.evaluate(() => window.detectorOfTest.worker.onmessage({
    data: { type: 'failed', engine: 'face_mesh', code: 'Crashed', detail: 'played by the test' },
  }));
  await until('there is a second worker', async () => (await workers(page)) === 2);
  const at = Date.now();
  await until('it looks at faces', async () => (await measured(page)).some((frame) => frame.at > at && frame.faces?.length === 1), 40_000);
});

scenario('a model that the server offers and does not have is no loss', { allow: [/404/] }, async (it) => {
  const device = await it.device({ footage: calm(6) });
  await device.context.route('**/api/v1/join', async (route) => {
    const response = await route.fetch();
    const admission = await response.json();
    await route.fulfill({ response, json: { ...admission, policy: { ...admission.policy, faceModel: 'models/face_landmarker.task' } } });
  });
  await watchDetector(device.context);
  const page = await it.open(device, it.stack.links.s3);
  await it.enter(page, 's3');
  await until('faces are looked at', async () => (await measured(page)).at(-1)?.faces?.length === 1, 60_000);
  assert.deepEqual(await engines(page), [{ engine: 'face_mesh', code: null }]);
  assert.ok(device.log.requests.some((url) => url.endsWith('/models/face_landmarker.task')));
});

scenario('without WebGL the exam goes on, with light alone', {}, async (it) => {
  const device = await it.device({ footage: calm(6), args: ['--disable-gpu', '--disable-software-rasterizer'] });
  await watchDetector(device.context);
  const page = await it.open(device, it.stack.links.s2);
  await it.enter(page, 's2');
  await until('the light is measured', async () => (await measured(page)).at(-1)?.picture.luminance > 100, 40_000);
  assert.deepEqual(await engines(page), [{ engine: null, code: 'NoWebGL' }]);
  assert.equal((await measured(page)).at(-1).faces, null);
  assert.ok(device.log.requests.every((url) => !url.endsWith('.wasm')), 'no model is loaded in vain');
});

scenario('a model that is none is fetched from the exam, once, and is no loss', {
  allow: [/Unable to open zip archive/],
}, async (it) => {
  const model = randomBytes(3_000);
  const sha256 = createHash('sha256').update(model).digest('hex');
  await mkdir(join(it.dir, 'face-model'));
  await Promise.all([0, 1, 2].map((part) => writeFile(join(it.dir, 'face-model', `${part}`), model.subarray(part * 1_000, (part + 1) * 1_000))));
  await it.stack.command(`exam ${JSON.stringify({ faceModel: { sha256 } })}`);
  const path = `models/${sha256}/face_landmarker.task`;
  await until('scoring offers it', async () => (await it.stack.join('s3')).policy.faceModel === path);
  const { device, page } = await play(it, 's1', calm(6));
  assert.deepEqual(await engines(page), [{ engine: 'face_mesh', code: null }]);
  assert.equal(device.log.requests.filter((url) => url === it.stack.base + path).length, 1);
  assert.ok(device.log.requests.some((url) => url.endsWith('vision_wasm_internal.wasm')), 'the second engine was tried');
  assert.ok(device.log.console.some((line) => line.includes('the model that the server offers does not work')));
});

scenario('without SIMD faces are looked at all the same', {}, async (it) => {
  // V8 has WebAssembly's SIMD where the processor has SSE 4.1.
  const { device, page } = await play(it, 's2', calm(6), { args: ['--js-flags=--no-enable-sse4-1'] });
  assert.deepEqual(await engines(page), [{ engine: 'face_mesh', code: 'NoSimd' }]);
  assert.equal((await measured(page)).at(-1).faces.length, 1);
  const loaded = device.log.requests.filter((url) => url.endsWith('.wasm')).map((url) => url.split('/').at(-1));
  assert.deepEqual(loaded, ['face_mesh_solution_wasm_bin.wasm']);
});

scenario('where frames come from a video element, signs are found in them, too', {}, async (it) => {
  const { page } = await play(it, 's3', [...calm(6), ['two', 4]], {
    prepare: (context) => context.addInitScript(() => {
      delete window.MediaStreamTrackProcessor;
      window.frameTypes = new Set();
      window.Worker = class extends Worker {
        postMessage(message, ...rest) {
          if (message.type === 'frame') {
            window.frameTypes.add(message.frame.constructor.name);
          }
          super.postMessage(message, ...rest);
        }
      };
    }),
  });
  await until('MultipleFaces is counted', async () => (await it.stack.violations('s3', 'MultipleFaces')) > 0, 60_000);
  assert.deepEqual(await page.evaluate(() => [...window.frameTypes]), ['ImageBitmap']);
});
