// Puts the wall together from the browser's own parts.

import { SlotViewer } from '../slot-viewer';
import { browserTimers as timers } from '../timers';
import { HttpDoor } from '../wall/door';
import { Feed } from '../wall/feed';
import { Slots } from '../wall/slots';
import { WallStore } from '../wall/store';
import { examPathOf, takeFragment, TokenKeeper } from '../wall/token';
import { Wall } from '../wall/wall';

/** Starts at once; it lives as long as the page. */
export function openWall(): Wall {
  const base = document.baseURI;
  const examPath = examPathOf(location.pathname);
  const channel = 'BroadcastChannel' in globalThis ? new BroadcastChannel(`invigil.invigilators:${examPath}`) : null;
  const keeper = new TokenKeeper({ examPath, store: sessionStorage, channel }, takeFragment(location, history));
  const random = () => Math.random();
  const store = new WallStore(() => timers.now());
  const createSocket = (url: URL, protocols: string[]) => new WebSocket(url, protocols);
  const door = new HttpDoor({
    fetcher: (input, init) => fetch(input, init),
    base,
    keeper,
    timers,
    random,
    randomId,
  });
  const feed = new Feed({ url: socketURL('api/v1/feed', base), createSocket, timers, random, keeper, store });
  const wall = new Wall({
    keeper,
    store,
    door,
    feed,
    examName: examPath.split('/').filter((part) => part !== '').slice(-2).join('/'),
    createSlots: ({ iceServers, tiles }) => {
      const slots = new Slots({
        limits: tiles,
        store,
        keeper,
        timers,
        random,
        createStream: (track) => new MediaStream([track]),
        createViewer: (shard, grant, callbacks) =>
          new SlotViewer({
            url: socketURL(`api/v1/view/${encodeURIComponent(shard)}`, base),
            grant,
            slots: tiles.slotsPerShard,
            iceServers: iceServers ?? [],
            createSocket,
            createPeer: (config) => new RTCPeerConnection(config),
            timers,
            ...callbacks,
          }),
      });
      slots.setVisible(document.visibilityState === 'visible');

      return slots;
    },
    timers,
    random,
  });
  watchDevice(wall, keeper);
  wall.start();

  return wall;
}

/** What tells that the network or the page is back, and a link that is opened in this very tab. */
function watchDevice(wall: Wall, keeper: TokenKeeper): void {
  window.addEventListener('online', () => {
    wall.woken();
  });
  document.addEventListener('visibilitychange', () => {
    const visible = document.visibilityState === 'visible';
    wall.setVisible(visible);
    if (visible) {
      wall.hurry();
    }
  });
  document.addEventListener('resume', () => {
    wall.woken();
  });
  window.addEventListener('hashchange', () => {
    const token = takeFragment(location, history);
    if (token !== null) {
      keeper.share(token);
    }
  });
  window.addEventListener('pageshow', ({ persisted }) => {
    // Brought back from the browser's cache, with dead connections: begin again.
    if (persisted) {
      location.reload();
    }
  });
}

function socketURL(path: string, base: string): URL {
  const url = new URL(path, base);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';

  return url;
}

function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));

  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
