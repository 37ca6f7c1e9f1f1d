// The invigilators' feed, read by a browser: it may come from the exam's own origin
// only. The page there is the student's without a link, which asks nothing.

import { until } from './poll.mjs';

export async function openFeed(it, device) {
  const page = await it.open(device, it.stack.base);
  const url = new URL('api/v1/feed', it.stack.base);
  url.protocol = 'ws:';
  await page.evaluate(([address, token]) => {
    const messages = [];
    window.feedOfTest = messages;
    const socket = new WebSocket(address, ['invigil.feed.v1', `bearer.${token}`]);
    socket.onmessage = ({ data }) => messages.push(JSON.parse(data));
    socket.onclose = ({ code, reason }) => messages.push({ type: 'closed', code, reason });
  }, [url.href, await it.stack.invigilator()]);
  const feed = { messages: () => page.evaluate(() => window.feedOfTest) };
  await until('the feed begins', async () => (await feed.messages())[0]?.type === 'snapshot');

  return feed;
}
