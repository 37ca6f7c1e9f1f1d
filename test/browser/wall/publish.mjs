// Publishes the camera with the web client's own publisher, straight to the SFU.

import { browserTimers } from '../../../webclient/src/core/timers.ts';
import { WhipPublisher } from '../../../webclient/src/core/whip.ts';

const states = [];
const publisher = new WhipPublisher({
  endpoint: new URL('/whip', location.href),
  fetcher: (input, init) => fetch(input, init),
  createPeer: (config) => new RTCPeerConnection(config),
  timers: browserTimers,
  random: () => Math.random(),
  onState: (state) => states.push(state),
});

async function start(grant) {
  const stream = await navigator.mediaDevices.getUserMedia({
    video: { width: { ideal: 640 }, height: { ideal: 360 } },
  });
  publisher.start(stream.getVideoTracks()[0], grant, []);
}

/** What is sent of each layer. */
async function layers() {
  const report = await publisher.peer.getStats();

  return Object.fromEntries([...report.values()].filter(({ type }) => type === 'outbound-rtp').map((stats) => [stats.rid, stats]));
}

window.publish = { start, layers, states, publisher };
