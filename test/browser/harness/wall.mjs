// The wall of tiles (wall/wall.mjs) in a browser of its own.

import { openPage } from './pages.mjs';
import { until } from './poll.mjs';

/** A wall with so many tiles, connected to the SFU. */
export async function openWall(it, slots) {
  const { context } = await it.device({ noCamera: true });
  const page = await openPage(context, it.pages, 'wall');
  await page.evaluate((options) => window.wall.open(options), {
    url: `${it.stack.sfu.replace('http', 'ws')}/view`,
    grant: await it.stack.command('grant invigil:view v1'),
    slots,
  });
  await until('the viewer is connected', () => page.evaluate(
    () => window.wall.state.states.at(-1).name === 'connected',
  ));

  return page;
}
