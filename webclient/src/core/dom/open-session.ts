// Puts the session together from the browser's own parts.

import { Session } from '../controller';
import { EventSocket } from '../events';
import { EvidenceUploader } from '../evidence';
import { deviceId, devicesHere, join, remember, remembers, takeToken } from '../join';
import { readNotice } from '../notice';
import { IndexedDBOutbox } from '../outbox';
import { PathChecker } from '../path-check';
import { browserTimers as timers } from '../timers';
import { WhipPublisher } from '../whip';
import { DomCamera } from './camera';
import { openDetector } from './detector/open-detector';
import { pageWatch } from './page-watch';

/** The page's session, or null when it was opened without a personal link. */
export function openSession(): Session | null {
  const path = location.pathname;
  const token = takeToken(location, history, sessionStorage);
  if (token === null) {
    return null;
  }
  const base = document.baseURI;
  const fetcher: typeof fetch = (input, init) => fetch(input, init);
  const random = () => Math.random();
  // Absent outside secure contexts, where no exam starts anyway.
  const locks = navigator.locks as LockManager | undefined;
  const device = deviceId(path, sessionStorage, locks, randomId);
  const now = () => timers.now();
  const endpoint = new URL('api/v1/whip', base);
  const createPeer = (config: RTCConfiguration) => new RTCPeerConnection(config);
  const ownerOf = (tab: string) => `${path} ${tab}`;
  const linkDigest = digestOf(token);
  let owner = '';
  let link: string | null = null;
  const session = new Session({
    notice: () => readNotice({ fetcher, base, token, now }),
    join: async () => {
      owner = ownerOf(await device);
      link = await linkDigest;

      return join({ fetcher, base, token, device: await device, now });
    },
    camera: new DomCamera(sessionStorage, path),
    page: pageWatch,
    remember: (step) => {
      remember(step, path, sessionStorage);
    },
    timers,
    random,
    evidence: new EvidenceUploader({ endpoint: new URL('api/v1/evidence', base), fetcher, timers, random }),
    detector: (callbacks) => openDetector(base, timers, random, callbacks),
    pathChecker: (onChange) => new PathChecker({ endpoint, fetcher, createPeer, timers, onChange }),
    publisher: (onState) => new WhipPublisher({ endpoint, fetcher, createPeer, timers, random, onState }),
    events: (_admission, onState, onMessage) =>
      new EventSocket({
        url: socketURL(base),
        createSocket: (url, protocols) => new WebSocket(url, protocols),
        timers,
        random,
        onState,
        onMessage,
        outbox: new IndexedDBOutbox({
          factory: globalThis.indexedDB,
          owner,
          link,
          now,
          // Without locks nobody knows who is gone.
          alive: locks && (async () => new Set((await devicesHere(locks)).map(ownerOf))),
        }),
      }),
  });
  watchDevice(session);
  window.addEventListener('pagehide', () => {
    session.leave();
  });
  window.addEventListener('pageshow', ({ persisted }) => {
    // Brought back from the browser's cache after leave(): begin again.
    if (persisted) {
      location.reload();
    }
  });
  session.dispatch({ type: 'opened' });
  if (remembers('consent', path, sessionStorage)) {
    session.dispatch({ type: 'started', again: true, resume: remembers('entered', path, sessionStorage) });
  }

  return session;
}

/** What tells that the network, the page or a camera is back. */
function watchDevice(session: Session): void {
  const woken = () => {
    if (document.visibilityState === 'visible') {
      session.woken();
    }
  };
  window.addEventListener('online', () => {
    session.woken();
  });
  document.addEventListener('visibilitychange', woken);
  // Chromium has stopped a hidden page, and lets it go on.
  document.addEventListener('resume', woken);
  const devices = navigator.mediaDevices as MediaDevices | undefined;
  devices?.addEventListener('devicechange', () => {
    session.devicesChanged();
  });
}

function socketURL(base: string): URL {
  const url = new URL('api/v1/events', base);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';

  return url;
}

function randomId(): string {
  return hex(crypto.getRandomValues(new Uint8Array(16)));
}

/** Tells links apart without holding one; null where the browser has no digests. */
async function digestOf(token: string): Promise<string | null> {
  const subtle = crypto.subtle as SubtleCrypto | undefined;
  const digest = await subtle?.digest('SHA-256', new TextEncoder().encode(token)).catch(() => null);

  return digest ? hex(new Uint8Array(digest)) : null;
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
