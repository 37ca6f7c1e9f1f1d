// Publishes the camera by WHIP (RFC 9725) and keeps it published: when the media
// path is lost it offers anew, with the same camera track, until told to stop.
// Candidates are gathered before the offer is sent: the SFU is ice-lite and
// learns ours from our checks, so there is nothing to trickle.
//
// When its pod drains it moves, make before break: a second attempt is made
// beside the first, and takes its place once it is connected.

import { ApiError } from './api-error';
import { Backoff } from './backoff';
import { encodingsFor, sendWanted } from './layers';
import type { Timers } from './timers';
import { preferVP8 } from './vp8';
import { end, iceServersOf, offer } from './whip-call';
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
  private readonly moveBackoff: Backoff;
  private token = '';
  private iceServers: IceServer[] = [];
  private track: MediaStreamTrack | null = null;
  private attempt: Attempt | null = null;
  /** The attempt on another pod, while the present one still carries the camera. */
  private next: Attempt | null = null;
  private retryTimer: number | null = null;
  private moveTimer: number | null = null;
  /** All layers, until the server says otherwise; kept over reconnects. */
  private wanted: WantedMedia = 'high';
  /** A sender takes one change at a time. */
  private changing = Promise.resolve();

  constructor(options: WhipOptions) {
    const { random } = options;
    this.options = options;
    this.backoff = new Backoff({ firstMs: 500, maxMs: 10_000, random });
    this.moveBackoff = new Backoff({ firstMs: 500, maxMs: 5_000, random });
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
    await Promise.all([this.attempt?.sender.replaceTrack(track), this.next?.sender.replaceTrack(track)]);
  }

  /** Sends what viewers want of the camera, and no more. */
  want(wanted: WantedMedia): void {
    this.wanted = wanted;
    this.adjust();
  }

  /** The pod drains: publish on another one, then end this. */
  move(): void {
    // An attempt that is not connected yet was sent to a pod that takes it, and a
    // retry will be.
    if (this.attempt?.peer.connectionState === 'connected' && this.next === null && this.moveTimer === null) {
      this.moveBackoff.reset();
      this.tryMove();
    }
  }

  /** The network may be back: what waits for its turn takes it now. */
  hurry(): void {
    if (this.retryTimer !== null) {
      this.clearRetry();
      this.backoff.reset();
      this.connect();
    }
  }

  /** The device has slept for so long that the server has given up this stream. */
  reconnect(): void {
    if (this.track === null) {
      return;
    }
    this.clearRetry();
    this.dropMove();
    // If the server still has it, the new one takes it over.
    this.release(false);
    this.backoff.reset();
    this.connect();
  }

  /**
   * Stops for good. tell is false where the server has ended the stream itself.
   * The DELETE outlives the page, so it also works while the tab closes.
   */
  stop(tell = true): void {
    this.track = null;
    this.clearRetry();
    this.dropMove();
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
    const attempt = this.begin(track);
    this.attempt = attempt;
    this.options.onState({ name: 'connecting' });
    this.negotiate(attempt);
  }

  private tryMove(): void {
    const { track } = this;
    if (track !== null) {
      this.next = this.begin(track);
      this.negotiate(this.next);
    }
  }

  private begin(track: MediaStreamTrack): Attempt {
    const peer = this.options.createPeer({ iceServers: iceServersOf(this.iceServers) });
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
    peer.onconnectionstatechange = () => {
      this.connectionChanged(attempt);
    };

    return attempt;
  }

  private negotiate(attempt: Attempt): void {
    this.exchange(attempt).catch((cause: unknown) => {
      this.attemptFailed(attempt, cause);
    });
  }

  private async exchange(attempt: Attempt): Promise<void> {
    const { peer, abort } = attempt;
    const answer = await offer(peer, this.options, this.token, abort.signal, (resource) => {
      attempt.resource = resource;
    });
    // Aborting meanwhile makes reading the answer fail, so nothing is set then.
    await peer.setRemoteDescription({ type: 'answer', sdp: answer });
    if (this.runs(attempt) && peer.connectionState !== 'connected') {
      this.armTimer(attempt, CONNECT_MS);
    }
  }

  private runs(attempt: Attempt): boolean {
    return this.attempt === attempt || this.next === attempt;
  }

  private adjust(): void {
    this.changing = this.changing
      .then(async () => {
        for (const attempt of [this.attempt, this.next]) {
          if (attempt !== null) {
            await sendWanted(attempt.sender, this.wanted);
          }
        }
      })
      .catch(() => {
        // Sending more than is wanted costs more, and harms nobody.
      });
  }

  private connectionChanged(attempt: Attempt): void {
    if (!this.runs(attempt)) {
      return;
    }
    switch (attempt.peer.connectionState) {
      case 'connected':
        this.disarmTimer(attempt);
        if (this.next === attempt) {
          this.moved(attempt);
        }
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

  /** The new pod receives the camera: now the old one is let go of. */
  private moved(attempt: Attempt): void {
    this.next = null;
    this.release(true);
    this.attempt = attempt;
  }

  private attemptFailed(attempt: Attempt, cause: unknown): void {
    if (this.track === null) {
      return;
    }
    // Whatever is no ApiError came from WebRTC itself; a new attempt is the cure.
    const error = cause instanceof ApiError ? cause : new ApiError('MediaLost', String(cause));
    if (this.next === attempt) {
      this.moveFailed(error);
    } else if (this.attempt === attempt) {
      this.lost(error);
    }
  }

  /** The old stream is received for as long as its pod lets it. */
  private moveFailed(error: ApiError): void {
    this.dropMove();
    this.moveTimer = this.options.timers.set(() => {
      this.moveTimer = null;
      this.tryMove();
    }, this.moveBackoff.next(error.retryAfterMs));
  }

  private lost(error: ApiError): void {
    this.release(true);
    const { next } = this;
    if (next !== null) {
      // The way to the other pod is begun already.
      this.next = null;
      this.attempt = next;
      this.options.onState({ name: 'connecting' });

      return;
    }
    this.dropMove();
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

  private dropMove(): void {
    if (this.moveTimer !== null) {
      this.options.timers.clear(this.moveTimer);
      this.moveTimer = null;
    }
    const { next } = this;
    this.next = null;
    this.letGo(next, true);
  }

  private release(tell: boolean): void {
    const { attempt } = this;
    this.attempt = null;
    this.letGo(attempt, tell);
  }

  private letGo(attempt: Attempt | null, tell: boolean): void {
    if (attempt === null) {
      return;
    }
    this.disarmTimer(attempt);
    attempt.abort.abort();
    attempt.peer.onconnectionstatechange = null;
    if (tell && attempt.resource !== null) {
      void end(this.options, attempt.resource, this.token);
    }
    attempt.peer.close();
  }
}
