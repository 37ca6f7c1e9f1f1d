// The HTTP half of WHIP (RFC 9725): an offer goes in by POST, the answer and the
// session's address come back, and DELETE at that address ends it.

import { call } from './api-error';
import type { Timers } from './timers';
import type { IceServer } from './wire';

export interface WhipCall {
  endpoint: URL;
  fetcher: typeof fetch;
  timers: Timers;
}

/** Our own candidates help only where the SFU cannot be reached first. */
const GATHER_MS = 500;

/** Makes the offer, sends it with all candidates, and returns the answer. */
export async function offer(
  peer: RTCPeerConnection,
  { endpoint, fetcher, timers }: WhipCall,
  token: string,
  signal: AbortSignal,
  created: (resource: URL | null) => void,
): Promise<string> {
  await peer.setLocalDescription(await peer.createOffer());
  await gathered(peer, timers);
  signal.throwIfAborted();
  const response = await call(
    fetcher,
    endpoint,
    {
      method: 'POST',
      headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/sdp' },
      body: peer.localDescription?.sdp ?? '',
      cache: 'no-store',
      signal,
    },
    () => timers.now(),
  );
  // Told before the body is read: from here on there is a session to end.
  created(resourceOf(response, endpoint));

  return response.text();
}

/** Ends a session. It outlives the page, so it also works while the tab closes. */
export function end({ fetcher }: Pick<WhipCall, 'fetcher'>, resource: URL, token: string): Promise<void> {
  return fetcher(resource, {
    method: 'DELETE',
    headers: { Authorization: `Bearer ${token}` },
    keepalive: true,
  }).then(
    () => undefined,
    () => {
      // The SFU notices by itself that nothing arrives any more.
    },
  );
}

/** As RTCPeerConnection wants them. */
export function iceServersOf(servers: readonly IceServer[]): RTCIceServer[] {
  return servers.map(({ urls, username, credential }) => ({
    urls,
    ...(username === undefined ? {} : { username }),
    ...(credential === undefined ? {} : { credential }),
  }));
}

/** The Location of the session; elsewhere than at our origin it is not followed. */
function resourceOf(response: Response, endpoint: URL): URL | null {
  const location = response.headers.get('Location');
  if (location === null) {
    return null;
  }
  const resource = new URL(location, endpoint);

  return resource.origin === endpoint.origin ? resource : null;
}

function gathered(peer: RTCPeerConnection, timers: Timers): Promise<void> {
  if (peer.iceGatheringState === 'complete') {
    return Promise.resolve();
  }

  return new Promise((resolve) => {
    const done = () => {
      timers.clear(timer);
      peer.removeEventListener('icegatheringstatechange', changed);
      resolve();
    };
    const changed = () => {
      if (peer.iceGatheringState === 'complete') {
        done();
      }
    };
    const timer = timers.set(done, GATHER_MS);
    peer.addEventListener('icegatheringstatechange', changed);
  });
}
