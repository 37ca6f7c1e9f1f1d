// Publishes the camera by WHIP (RFC 9725) and keeps it published: when the media
// path is lost it offers anew, with the same camera track, until told to stop.
// Candidates are gathered before the offer is sent: the SFU is ice-lite and
// learns ours from our checks, so there is nothing to trickle.

import { ApiError, call } from './api-error';
import { Backoff } from './backoff';
import { encodingsFor, sendWanted } from './layers';
import type { Timers } from './timers';
import { preferVP8 } from './vp8';
import type { IceServer, WantedMedia } from './wire';

export type WhipState =
  | { name: 'idle' }
  | { name: 'connecting' }
  | { name: 'connected' }
  | { name: 'waiting'; code: string }
  | { name: 'failed'; code: string };

export interface WhipOptions {
  endpoint: URL;
  fetcher: typeof fetch;
  createPeer: (config: RTCConfiguration) => RTCPeerConnection;
  timers: Timers;
  random: () => number;
  onState: (state: WhipState) => void;
}

/** Our own candidates help only where the SFU cannot be reached first. */
const GATHER_MS = 500;
/** From the answer to media: ICE and DTLS take three round trips. */
const CONNECT_MS = 10_000;
/** ICE often recovers from "disconnected" by itself. */
const DISCONNECTED_MS = 3_000;

/** One attempt: everything that has to be let go of together. */
interface Attempt {
  peer: RTCPeerConnection;
  sender: RTCRtpSender;
  abort: AbortController;
  resource: URL | null;
  timer: number | null;
}

export class WhipPublisher {
  private readonly options: WhipOptions;
  private readonly backoff: Backoff;
  private token = '';
  private iceServers: IceServer[] = [];
  private track: MediaStreamTrack | null = null;
  private attempt: Attempt | null = null;
  private retryTimer: number | null = null;
  /** All layers, until the server says otherwise; kept over reconnects. */
  private wanted: WantedMedia = 'high';
  /** A sender takes one change at a time. */
  private changing = Promise.resolve();

  constructor(options: WhipOptions) {
    this.options = options;
    this.backoff = new Backoff({ firstMs: 500, maxMs: 10_000, random: options.random });
  }

  /** Publishes track, or goes on with the new token if it already does. */
  start(track: MediaStreamTrack, token: string, iceServers: IceServer[]): void {
    this.token = token;
    this.iceServers = iceServers;
    if (this.track !== null) {
      void this.replaceTrack(track);

      return;
    }
    this.track = track;
    this.backoff.reset();
    this.connect();
  }

  /** Another camera, without a new negotiation. */
  async replaceTrack(track: MediaStreamTrack): Promise<void> {
    if (this.track === track) {
      return;
    }
    this.track = track;
    await this.attempt?.sender.replaceTrack(track);
  }

  /** Sends what viewers want of the camera, and no more. */
  want(wanted: WantedMedia): void {
    this.wanted = wanted;
    this.adjust();
  }

  /**
   * Stops for good. tell is false where the server has ended the stream itself.
   * The DELETE outlives the page, so it also works while the tab closes.
   */
  stop(tell = true): void {
    this.track = null;
    this.clearRetry();
    this.release(tell);
    this.options.onState({ name: 'idle' });
  }

  /** The live connection, for diagnosis. */
  get peer(): RTCPeerConnection | null {
    return this.attempt?.peer ?? null;
  }

  private connect(): void {
    const { track } = this;
    if (track === null) {
      return;
    }
    const { createPeer, onState } = this.options;
    const peer = createPeer({
      iceServers: this.iceServers.map(({ urls, username, credential }) => ({
        urls,
        ...(username === undefined ? {} : { username }),
        ...(credential === undefined ? {} : { credential }),
      })),
    });
    const transceiver = peer.addTransceiver(track, {
      direction: 'sendonly',
      sendEncodings: encodingsFor(this.wanted),
    });
    preferVP8(transceiver, 'RTCRtpSender');
    const attempt: Attempt = {
      peer,
      sender: transceiver.sender,
      abort: new AbortController(),
      resource: null,
      timer: null,
    };
    this.attempt = attempt;
    peer.onconnectionstatechange = () => {
      this.connectionChanged(attempt);
    };
    onState({ name: 'connecting' });
    this.negotiate(attempt).catch((cause: unknown) => {
      this.attemptFailed(attempt, cause);
    });
  }

  private adjust(): void {
    this.changing = this.changing
      .then(async () => {
        if (this.attempt !== null) {
          await sendWanted(this.attempt.sender, this.wanted);
        }
      })
      .catch(() => {
        // Sending more than is wanted costs more, and harms nobody.
      });
  }

  private async negotiate(attempt: Attempt): Promise<void> {
    const { peer, abort } = attempt;
    const { endpoint, fetcher, timers } = this.options;
    await peer.setLocalDescription(await peer.createOffer());
    await gathered(peer, timers);
    if (abort.signal.aborted) {
      return;
    }
    const response = await call(
      fetcher,
      endpoint,
      {
        method: 'POST',
        headers: { Authorization: `Bearer ${this.token}`, 'Content-Type': 'application/sdp' },
        body: peer.localDescription?.sdp ?? '',
        cache: 'no-store',
        signal: abort.signal,
      },
      () => timers.now(),
    );
    attempt.resource = resourceOf(response, endpoint);
    // Aborting meanwhile makes reading the answer fail, so nothing is set then.
    const answer = await response.text();
    await peer.setRemoteDescription({ type: 'answer', sdp: answer });
    if (this.attempt === attempt && peer.connectionState !== 'connected') {
      this.armTimer(attempt, CONNECT_MS);
    }
  }

  private connectionChanged(attempt: Attempt): void {
    if (this.attempt !== attempt) {
      return;
    }
    switch (attempt.peer.connectionState) {
      case 'connected':
        this.disarmTimer(attempt);
        this.backoff.reset();
        // What was wanted while the sender was negotiating may have been lost.
        this.adjust();
        this.options.onState({ name: 'connected' });
        break;
      case 'disconnected':
        this.armTimer(attempt, DISCONNECTED_MS);
        break;
      case 'failed':
      case 'closed':
        this.attemptFailed(attempt, new ApiError('MediaLost', 'The media connection was lost.'));
        break;
      default:
        break;
    }
  }

  private attemptFailed(attempt: Attempt, cause: unknown): void {
    if (this.attempt !== attempt || this.track === null) {
      return;
    }
    this.release(true);
    // Whatever is no ApiError came from WebRTC itself; a new attempt is the cure.
    const error = cause instanceof ApiError ? cause : new ApiError('MediaLost', String(cause));
    if (error.status > 0 && !error.transient && error.code !== 'NotFound') {
      this.track = null;
      this.options.onState({ name: 'failed', code: error.code });

      return;
    }
    this.options.onState({ name: 'waiting', code: error.code });
    this.retryTimer = this.options.timers.set(() => {
      this.retryTimer = null;
      this.connect();
    }, this.backoff.next(error.retryAfterMs));
  }

  private armTimer(attempt: Attempt, ms: number): void {
    this.disarmTimer(attempt);
    attempt.timer = this.options.timers.set(() => {
      attempt.timer = null;
      this.attemptFailed(attempt, new ApiError('MediaLost', 'No media connection in time.'));
    }, ms);
  }

  private disarmTimer(attempt: Attempt): void {
    if (attempt.timer !== null) {
      this.options.timers.clear(attempt.timer);
      attempt.timer = null;
    }
  }

  private clearRetry(): void {
    if (this.retryTimer !== null) {
      this.options.timers.clear(this.retryTimer);
      this.retryTimer = null;
    }
  }

  private release(tell: boolean): void {
    const { attempt } = this;
    if (attempt === null) {
      return;
    }
    this.attempt = null;
    this.disarmTimer(attempt);
    attempt.abort.abort();
    attempt.peer.onconnectionstatechange = null;
    if (tell && attempt.resource !== null) {
      this.remove(attempt.resource);
    }
    attempt.peer.close();
  }

  private remove(resource: URL): void {
    this.options
      .fetcher(resource, {
        method: 'DELETE',
        headers: { Authorization: `Bearer ${this.token}` },
        keepalive: true,
      })
      .catch(() => {
        // The SFU notices by itself that no media arrives any more.
      });
  }
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
