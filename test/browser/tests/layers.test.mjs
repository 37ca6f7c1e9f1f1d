// A real browser's two layers, and a tile that goes from one to the other.

import assert from 'node:assert/strict';

import { openPage } from '../harness/pages.mjs';
import { until } from '../harness/poll.mjs';
import { scenario } from '../harness/scenario.mjs';
import { openWall } from '../harness/wall.mjs';

const STUDENT = 's1';
const LAYERS = `invigil_sfu_stream_layers{student="${STUDENT}"}`;
const RTT = `invigil_sfu_stream_rtt_seconds{student="${STUDENT}"}`;
/** The picture's width in each layer, of a camera with 640. */
const WIDTH = { low: 160, high: 640 };
/** Mean luma below this is no picture. */
const BLACK = 30;
/**
 * A key frame of the high layer takes its sender up to half a second at 500 kbit/s,
 * and more while the machine is busy. What is longer than that is the switch's.
 */
const FREEZE_MS = 1_000;

scenario('Chromium sends two layers, and a tile changes between them without a freeze', { wall: true }, async (it) => {
  const { context } = await it.device();
  const camera = await openPage(context, it.pages, 'publish');
  await camera.evaluate((grant) => window.publish.start(grant), await it.stack.command(`grant invigil:media ${STUDENT}`));
  await until('two layers arrive', async () => (await it.stack.metrics()).get(LAYERS) === 2);
  const wanted = (want) => until(`${want} is wanted`, async () => {
    const stream = (await it.stack.streams()).find(({ student }) => student === STUDENT);

    return stream?.wanted === want && stream.receiving;
  });
  await wanted('trickle');

  const wall = await openWall(it, 1);
  await wall.evaluate((student) => window.wall.viewer.assign(0, student), STUDENT);
  await changes(wall, 'low');
  await wanted('low');
  const shown = {};
  for (const layer of ['high', 'low', 'high']) {
    await wall.evaluate((to) => {
      window.wall.tiles[0].begin(null);
      window.wall.viewer.layer(0, to);
    }, layer);
    const { took, gap: atOnce } = await changes(wall, layer);
    await wanted(layer);
    const { gap, sizes, luminance } = await playsOn(wall);
    await it.shot(wall, `layers-${layer}`);
    assert.ok(gap < FREEZE_MS, `${layer}: ${gap} ms without a frame`);
    assert.equal(sizes.at(-1).width, WIDTH[layer], 'it stays with the layer');
    assert.ok(luminance > BLACK, `${layer}: mean luma ${luminance}`);
    (shown[layer] ??= []).push([took, atOnce, gap]);
  }
  console.log(`[time to the layer, longest gap until then, and 2 s on] in ms: ${JSON.stringify(shown)}`);

  // The camera obeys, as the student's page does when it is told.
  await camera.evaluate(() => window.publish.publisher.want('low'));
  await until('one layer arrives', async () => (await it.stack.metrics()).get(LAYERS) === 1);
  await changes(wall, 'low');
  await wall.evaluate(() => window.wall.tiles[0].begin(null));
  await camera.evaluate(() => window.publish.publisher.want('high'));
  await until('two layers arrive again', async () => (await it.stack.metrics()).get(LAYERS) === 2);
  const back = await changes(wall, 'high');
  const { gap } = await playsOn(wall);
  console.log(`back to two layers: ${back.took} ms, longest gap ${gap} ms`);
  assert.ok(gap < FREEZE_MS, `${gap} ms without a frame`);

  await wall.evaluate(() => window.wall.viewer.release(0));
  await wanted('trickle');
  await camera.evaluate(() => window.publish.publisher.want('trickle'));
  await until('one frame a second', async () => {
    const { l, h } = await camera.evaluate(() => window.publish.layers());

    return h.active === false && (l.framesPerSecond ?? 0) <= 1;
  });
  console.log(`RTT to the publisher: ${(await it.stack.metrics()).get(RTT) ?? 'not known'}`);
});

/** What has become of the tile two seconds of frames later. */
async function playsOn(wall) {
  const { frames } = await wall.evaluate(() => window.wall.tiles[0].result());
  await until('the tile plays on', async () => (
    await wall.evaluate(() => window.wall.tiles[0].result())).frames > frames + 30);

  return wall.evaluate(() => ({ ...window.wall.tiles[0].result(), luminance: window.wall.tiles[0].look().luminance }));
}

/** Waits until the tile has been told of the layer and shows it. */
function changes(wall, layer) {
  return until(`the tile shows ${layer}`, () => wall.evaluate(([want, width]) => {
    const { sizes, gap, askedAt } = window.wall.tiles[0];
    const last = sizes.at(-1);

    return window.wall.viewer.slot(0).layer === want && last?.width === width
      && { took: Math.round(last.at - askedAt), gap };
  }, [layer, WIDTH[layer]]));
}
