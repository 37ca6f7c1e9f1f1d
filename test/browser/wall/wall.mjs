// The page of the wall tests: a slot viewer of the web client with plain tiles,
// and what can be said about them from their pixels.

import { SlotViewer } from '../../../webclient/src/core/slot-viewer.ts';
import { browserTimers } from '../../../webclient/src/core/timers.ts';
import { HEIGHT, read, WIDTH } from './code.mjs';

const state = { offers: 0, negotiations: 0, sent: [], states: [], events: [], refused: [], moved: 0 };
const tiles = [];
let viewer = null;

class CountingPeer extends RTCPeerConnection {
  constructor(config) {
    super(config);
    this.addEventListener('negotiationneeded', () => { state.negotiations += 1; });
  }

  createOffer(...options) {
    state.offers += 1;

    return super.createOffer(...options);
  }
}

function open({ url, grant, slots }) {
  viewer = new SlotViewer({
    url: new URL(url),
    grant,
    slots,
    iceServers: [],
    createPeer: (config) => new CountingPeer(config),
    createSocket: (where, protocols) => {
      const socket = new WebSocket(where, protocols);
      const send = socket.send.bind(socket);
      socket.send = (data) => {
        state.sent.push(JSON.parse(data));
        send(data);
      };

      return socket;
    },
    timers: browserTimers,
    onState: (now) => state.states.push(now),
    onSlot: (slot) => {
      state.events.push({ ...slot, at: performance.now() });
      tiles[slot.slot].told(slot);
    },
    onMoved: () => { state.moved += 1; },
    onRefused: (slot, error) => state.refused.push({ slot, ...error }),
  });
  viewer.start();
  for (let slot = 0; slot < slots; slot += 1) {
    tiles.push(new Tile(slot));
  }
}

/** One slot on the wall. */
class Tile {
  constructor(slot) {
    this.slot = slot;
    const figure = document.createElement('figure');
    this.caption = document.createElement('figcaption');
    this.video = document.createElement('video');
    Object.assign(this.video, { muted: true, autoplay: true, playsInline: true });
    this.video.srcObject = new MediaStream([viewer.track(slot)]);
    figure.append(this.video, this.caption);
    document.querySelector('main').append(figure);
    this.canvas = new OffscreenCanvas(WIDTH, HEIGHT);
    this.context = this.canvas.getContext('2d', { willReadFrequently: true });
    this.begin(null);
    this.watch();
  }

  begin(number) {
    this.number = number;
    this.askedAt = performance.now();
    this.playingAt = null;
    this.shownAt = null;
    this.luminance = null;
    /** Frames of others: before the event, between it and the right picture, after that. */
    this.before = 0;
    this.between = 0;
    this.after = 0;
    this.lastOther = null;
    this.frames = 0;
    /** Frames that are the right picture. */
    this.rights = 0;
    this.lastAt = null;
    /** The longest time between two frames, from the right one on if one is expected. */
    this.gap = 0;
    this.sizes = [];
  }

  told({ state: now, student, layer, reason }) {
    this.caption.textContent = `${student} ${now} ${layer ?? reason ?? ''}`;
    if (now === 'playing') {
      this.playingAt ??= performance.now();
    }
  }

  watch() {
    this.video.requestVideoFrameCallback((_now, frame) => {
      this.seen(frame);
      this.watch();
    });
  }

  /** Whose picture it is, and its mean luma. */
  look() {
    this.context.drawImage(this.video, 0, 0, WIDTH, HEIGHT);

    return read(this.context);
  }

  seen({ width, height }) {
    const now = performance.now();
    this.frames += 1;
    if (this.lastAt !== null) {
      this.gap = Math.max(this.gap, Math.round(now - this.lastAt));
    }
    this.lastAt = this.number === null || this.shownAt !== null ? now : null;
    if (this.sizes.at(-1)?.width !== width) {
      this.sizes.push({ width, height, at: now });
    }
    if (this.number === null) {
      return;
    }
    const { number, luminance } = this.look();
    if (number === this.number) {
      this.rights += 1;
      this.shownAt ??= now;
      this.luminance ??= luminance;
    } else if (number !== null) {
      this.lastOther = now;
      if (this.shownAt !== null) {
        this.after += 1;
      } else if (this.playingAt !== null) {
        this.between += 1;
      } else {
        this.before += 1;
      }
    }
  }

  result() {
    const { slot, number, askedAt, playingAt, shownAt, luminance, before, between, after, frames, rights, lastOther, sizes, gap } = this;
    const since = (at) => (at === null ? null : Math.round(at - askedAt));

    return {
      slot, number, playing: since(playingAt), shown: since(shownAt), luminance,
      before, between, after, frames, rights, lastOther: since(lastOther), sizes, gap,
    };
  }
}

/**
 * Assigns students, [slot, id, number] each, and returns what became of their
 * tiles once all show them, or after timeoutMs.
 */
async function show(assignments, timeoutMs) {
  for (const [slot, id, number, layer] of assignments) {
    tiles[slot].begin(number);
    viewer.assign(slot, id, layer);
  }
  const mine = assignments.map(([slot]) => tiles[slot]);
  const end = performance.now() + timeoutMs;
  while (performance.now() < end && mine.some(({ shownAt, playingAt }) => shownAt === null || playingAt === null)) {
    await new Promise((done) => { setTimeout(done, 10); });
  }

  return mine.map((tile) => tile.result());
}

/** inbound-rtp of all slots, by slot. */
async function received() {
  const report = await viewer.connection.getStats();
  const mids = viewer.connection.getTransceivers().map(({ mid }) => mid);

  return [...report.values()]
    .filter(({ type }) => type === 'inbound-rtp')
    .map((stats) => ({ slot: mids.indexOf(stats.mid), ...stats }));
}

window.wall = { open, show, received, state, tiles, get viewer() { return viewer; } };
