// The invigilators' page in a browser, and what its tiles really show.

import { readFile } from 'node:fs/promises';

import { until } from './poll.mjs';

const code = await readFile(new URL('../wall/code.mjs', import.meta.url), 'utf8');

/** Reads pictures of the crowd out of tiles, and watches that no tile is ever without words. */
export async function watchTiles(context) {
  const reader = `(() => { ${code.replaceAll(/^export /gm, '')}; return { read, WIDTH, HEIGHT }; })()`;
  await context.addInitScript({ content: `window.readerOfTest = ${reader}; (${watch})();` });
}

/** Runs in the page. */
function watch() {
  const canvas = new OffscreenCanvas(window.readerOfTest.WIDTH, window.readerOfTest.HEIGHT);
  const context = canvas.getContext('2d', { willReadFrequently: true });
  const waiting = new Map();
  const state = { wordless: [], longestWait: 0, offers: 0, wrong: [] };
  const look = (tile) => {
    const picture = tile.querySelector('.slot-video');
    const { phase, shown } = picture.dataset;

    return { id: tile.dataset.id, phase, shown: shown === 'true', words: picture.querySelector('p')?.textContent ?? '', video: picture.querySelector('video') };
  };
  const numberIn = (video) => {
    if (video === null || video.readyState < 2) {
      return null;
    }
    context.drawImage(video, 0, 0, canvas.width, canvas.height);

    return window.readerOfTest.read(context).number;
  };
  /** Of the tiles whose picture is in sight, in the order of the page. */
  const tiles = (all = false) => {
    const box = document.querySelector('.wall-scroll')?.getBoundingClientRect();

    return [...document.querySelectorAll('.tile')].filter((tile) => {
      // Of an element that is out of sight itself, nothing need be presented.
      const { top, bottom } = tile.querySelector('.slot-video').getBoundingClientRect();

      return all || (box !== undefined && bottom > box.top && top < box.bottom);
    });
  };
  setInterval(() => {
    for (const tile of tiles()) {
      const { id, phase, shown, words } = look(tile);
      if (!shown && words === '') {
        state.wordless.push(`${id} ${phase}`);
      }
      const waits = ['idle', 'checking', 'creating_consumer', 'attaching'].includes(phase);
      waiting.set(id, waits ? (waiting.get(id) ?? performance.now()) : performance.now());
      state.longestWait = Math.max(state.longestWait, performance.now() - waiting.get(id));
    }
  }, 100);
  const createOffer = RTCPeerConnection.prototype.createOffer;
  RTCPeerConnection.prototype.createOffer = function offer(...args) {
    state.offers += 1;

    return createOffer.apply(this, args);
  };
  window.tilesOfTest = {
    state,
    read: () => tiles().map((tile) => {
      const { video, ...rest } = look(tile);

      return { ...rest, number: rest.shown ? numberIn(video) : null };
    }),
    /** Of each pod's connection: how many pictures it has ever received at the same time. */
    received: async () => {
      const live = window.peersOfTest.filter(({ connectionState }) => connectionState !== 'closed');

      return Promise.all(live.map(async (peer) => {
        const inbound = [...(await peer.getStats()).values()].filter(({ type, kind }) => type === 'inbound-rtp' && kind === 'video');

        return { streams: inbound.length, sections: peer.getTransceivers().length, signaling: peer.signalingState };
      }));
    },
  };
}

export const tiles = (page) => page.evaluate(() => window.tilesOfTest.read());

/**
 * Until every tile in sight shows the right picture, or says why there is none;
 * who of them has to show one is named. Returns the tiles.
 */
export function settled(page, publishing, what = 'the tiles') {
  return until(`${what} show their students`, async () => {
    const seen = await tiles(page);
    const wrong = seen.filter(({ id, shown, phase, words, number }) => (publishing.has(id)
      ? !shown || `n${number}` !== id
      : phase !== 'stopped' || words === ''));

    return seen.length > 0 && wrong.length === 0 && seen;
  }, 15_000);
}
