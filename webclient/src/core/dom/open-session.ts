// Puts the session together from the browser's own parts.

import { Session } from '../controller';
import { EventSocket } from '../events';
import { deviceId, hasConsented, join, rememberConsent, takeToken } from '../join';
import { browserTimers as timers } from '../timers';
import { WhipPublisher } from '../whip';
import { DomCamera } from './camera';
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
  const session = new Session({
    join: async () => join({ fetcher, base, token, device: await device, now: () => timers.now() }),
    camera: new DomCamera(),
    page: pageWatch,
    rememberConsent: () => {
      rememberConsent(path, sessionStorage);
    },
    timers,
    random,
    publisher: (onState) =>
      new WhipPublisher({
        endpoint: new URL('api/v1/whip', base),
        fetcher,
        createPeer: (config) => new RTCPeerConnection(config),
        timers,
        random,
        onState,
      }),
    events: (_admission, onState, onMessage) =>
      new EventSocket({
        url: socketURL(base),
        createSocket: (url, protocols) => new WebSocket(url, protocols),
        timers,
        random,
        onState,
        onMessage,
      }),
  });
  window.addEventListener('pagehide', () => {
    session.leave();
  });
  window.addEventListener('pageshow', ({ persisted }) => {
    // Brought back from the browser's cache after leave(): begin again.
    if (persisted) {
      location.reload();
    }
  });
  if (hasConsented(path, sessionStorage)) {
    session.dispatch({ type: 'started', resume: true });
  }

  return session;
}

function socketURL(base: string): URL {
  const url = new URL('api/v1/events', base);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';

  return url;
}

function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));

  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
