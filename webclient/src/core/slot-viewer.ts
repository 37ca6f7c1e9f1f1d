// Watches many students of one SFU pod over one WebSocket and one PeerConnection
// (docs/protocol.md, the slot viewer). It negotiates once: whom a slot shows is
// the pod's matter from then on, and a slot's track is the same for good.
//
// It does not come back by itself: when it has closed, its owner knows best
// where to watch next, and with which grant.

import type { Timers } from './timers';
import { preferVP8 } from './vp8';
import {
  BEARER_SUBPROTOCOL,
  VIEW_SUBPROTOCOL,
  ViewCloseCode,
  type IceServer,
  type Layer,
  type SlotReason,
  type SlotState,
  type ViewCommand,
  type ViewEvent,
  type WireError,
} from './wire';

export type ViewerState =
  | { name: 'connecting' }
  /** Media can arrive. */
  | { name: 'connected' }
  /**
   * code is the WebSocket's close code; 1006 where it never opened, and
   * TransportFailed where the PeerConnection was lost or never came about. error
   * is what the pod said to the offer.
   */
  | { name: 'closed'; code: number; error: WireError | null };

/** What a slot shows, as far as the pod has told. */
export interface Slot {
  slot: number;
  state: SlotState;
  /** Whom it was last told to show; '' if free. */
  student: string;
  /** The layer that is sent, while playing. */
  layer?: Layer;
  /** While playing, of the first frame of what is shown now; earlier ones are of the student before. */
  rtpTimestamp?: number;
  /** Why it is pending. */
  reason?: SlotReason;
}

export interface SlotViewerOptions {
  /** `/view` of one pod, ws: or wss:. */
  url: URL;
  /** The view grant of that pod. */
  grant: string;
  /** How many students can be watched at the same time. */
  slots: number;
  iceServers: IceServer[];
  createSocket: (url: URL, protocols: string[]) => WebSocket;
  createPeer: (config: RTCConfiguration) => RTCPeerConnection;
  timers: Timers;
  onState: (state: ViewerState) => void;
  /** Only news of the student that the slot was last told to show. */
  onSlot: (slot: Slot) => void;
  /** The pod drains: its students will be elsewhere. */
  onMoved: () => void;
  /** A command was refused; slot is null if it was for none. */
  onRefused: (slot: number | null, error: WireError) => void;
}

/** From the first step to media: a handshake, an offer, ICE and DTLS. */
const CONNECT_MS = 15_000;
/** ICE often recovers from "disconnected" by itself. */
const DISCONNECTED_MS = 5_000;

export class SlotViewer {
  private readonly options: SlotViewerOptions;
  private readonly slots: Slot[];
  private readonly tracks: MediaStreamTrack[] = [];
  /** Commands given before the answer; the offer has to be the first message. */
  private waiting: ViewCommand[] = [];
  private answered = false;
  private closed = false;
  private refusal: WireError | null = null;
  private peer: RTCPeerConnection | null = null;
  private socket: WebSocket | null = null;
  private timer: number | null = null;

  constructor(options: SlotViewerOptions) {
    this.options = options;
    this.slots = Array.from({ length: options.slots }, (_, slot) => ({ slot, state: 'free', student: '' }));
  }

  /** Connects; may be called once. The tracks are there when it returns. */
  start(): void {
    const { createPeer, createSocket, iceServers, grant, slots, onState, url } = this.options;
    const peer = createPeer({
      // All sections share one transport; anything else would gather for each.
      bundlePolicy: 'max-bundle',
      iceServers: iceServers.map((server) => ({ ...server })),
    });
    this.peer = peer;
    for (let slot = 0; slot < slots; slot += 1) {
      const transceiver = peer.addTransceiver('video', { direction: 'recvonly' });
      preferVP8(transceiver, 'RTCRtpReceiver');
      this.tracks.push(transceiver.receiver.track);
    }
    peer.onconnectionstatechange = () => {
      this.connectionChanged(peer.connectionState);
    };
    const socket = createSocket(url, [VIEW_SUBPROTOCOL, BEARER_SUBPROTOCOL + grant]);
    this.socket = socket;
    socket.onopen = () => {
      void this.whileOpen(this.offer(peer));
    };
    socket.onmessage = ({ data }) => {
      this.received(data);
    };
    socket.onclose = ({ code }) => {
      this.end(code);
    };
    this.arm(CONNECT_MS);
    onState({ name: 'connecting' });
  }

  /** Ends socket and PeerConnection. */
  stop(): void {
    this.end(1000);
  }

  /** The slot's picture: one track for as long as the viewer lives. */
  track(slot: number): MediaStreamTrack {
    const track = this.tracks[slot];
    if (track === undefined) {
      throw new RangeError(`no slot ${String(slot)}`);
    }

    return track;
  }

  slot(slot: number): Readonly<Slot> {
    return this.known(slot);
  }

  /** Shows a student, whoever was shown before. */
  assign(slot: number, student: string, layer: Layer = 'low'): void {
    this.forget(slot, student);
    this.command({ type: 'assign', slot, student, layer });
  }

  layer(slot: number, layer: Layer): void {
    this.command({ type: 'layer', slot, layer });
  }

  /** Saves the slot's bandwidth; the student stays assigned. */
  pause(slot: number): void {
    this.command({ type: 'pause', slot });
  }

  resume(slot: number): void {
    this.command({ type: 'resume', slot });
  }

  release(slot: number): void {
    this.forget(slot, '');
    this.command({ type: 'release', slot });
  }

  /** The live connection, for diagnosis. */
  get connection(): RTCPeerConnection | null {
    return this.peer;
  }

  private known(slot: number): Slot {
    const known = this.slots[slot];
    if (known === undefined) {
      throw new RangeError(`no slot ${String(slot)}`);
    }

    return known;
  }

  /** What was known of another student's picture says nothing of this one's. */
  private forget(slot: number, student: string): void {
    if (this.known(slot).student !== student) {
      this.slots[slot] = { slot, state: student === '' ? 'free' : 'pending', student };
    }
  }

  private command(command: ViewCommand): void {
    const { socket } = this;
    // One that closes has yet to say so, and takes nothing any more.
    if (this.closed || (socket !== null && socket.readyState > socket.OPEN)) {
      return;
    }
    if (this.answered) {
      socket?.send(JSON.stringify(command));
    } else {
      this.waiting.push(command);
    }
  }

  /** The pod is ice-lite and learns our address from our checks: no candidates. */
  private async offer(peer: RTCPeerConnection): Promise<void> {
    await peer.setLocalDescription(await peer.createOffer());
    this.socket?.send(JSON.stringify({ type: 'offer', sdp: peer.localDescription?.sdp ?? '' }));
  }

  private async answer(sdp: string): Promise<void> {
    // The description is in place before media that belongs to it arrives.
    await this.peer?.setRemoteDescription({ type: 'answer', sdp });
    this.answered = true;
    const { waiting } = this;
    this.waiting = [];
    for (const command of waiting) {
      this.command(command);
    }
  }

  /** What fails in WebRTC itself ends the viewer, unless that has happened already. */
  private async whileOpen(step: Promise<void>): Promise<void> {
    try {
      await step;
    } catch {
      this.end(ViewCloseCode.TransportFailed);
    }
  }

  private received(data: unknown): void {
    const event = parse(data);
    if (event === null) {
      return;
    }
    switch (event.type) {
      case 'answer':
        void this.whileOpen(this.answer(event.sdp ?? ''));
        break;
      case 'slot':
        this.slotChanged(event);
        break;
      case 'moved':
        this.options.onMoved();
        break;
      case 'error':
        this.refused(event);
        break;
      default:
        break;
    }
  }

  private slotChanged({ slot = -1, state = 'free', student = '', layer, rtpTimestamp, reason }: ViewEvent): void {
    const known = this.slots[slot];
    // News of whom the slot was taken from meanwhile would name the wrong student.
    if (known?.student !== student) {
      return;
    }
    const changed: Slot = {
      slot,
      state,
      student,
      ...(layer === undefined ? {} : { layer }),
      ...(rtpTimestamp === undefined ? {} : { rtpTimestamp }),
      ...(reason === undefined ? {} : { reason }),
    };
    this.slots[slot] = changed;
    this.options.onSlot(changed);
  }

  private refused({ slot = null, error }: { slot?: number | null; error?: WireError }): void {
    const why = error ?? { code: 'Internal', message: '' };
    if (this.answered) {
      this.options.onRefused(slot, why);
    } else {
      // To the offer; the pod closes the socket next.
      this.refusal = why;
    }
  }

  private connectionChanged(state: RTCPeerConnectionState): void {
    switch (state) {
      case 'connected':
        this.disarm();
        this.options.onState({ name: 'connected' });
        break;
      case 'disconnected':
        this.arm(DISCONNECTED_MS);
        break;
      case 'failed':
      case 'closed':
        this.end(ViewCloseCode.TransportFailed);
        break;
      default:
        break;
    }
  }

  private arm(ms: number): void {
    this.disarm();
    this.timer = this.options.timers.set(() => {
      this.timer = null;
      this.end(ViewCloseCode.TransportFailed);
    }, ms);
  }

  private disarm(): void {
    if (this.timer !== null) {
      this.options.timers.clear(this.timer);
      this.timer = null;
    }
  }

  private end(code: number): void {
    if (this.closed) {
      return;
    }
    this.closed = true;
    this.waiting = [];
    this.disarm();
    const { peer, socket } = this;
    if (socket !== null) {
      socket.onopen = null;
      socket.onmessage = null;
      socket.onclose = null;
      socket.close();
    }
    if (peer !== null) {
      peer.onconnectionstatechange = null;
      peer.close();
    }
    this.options.onState({ name: 'closed', code, error: this.refusal });
  }
}

function parse(data: unknown): ViewEvent | null {
  if (typeof data !== 'string') {
    return null;
  }
  try {
    const event: unknown = JSON.parse(data);

    return typeof event === 'object' && event !== null && 'type' in event ? (event as ViewEvent) : null;
  } catch {
    return null;
  }
}
