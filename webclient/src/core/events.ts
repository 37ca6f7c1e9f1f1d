// The event socket: reports go out with a sequence number and are kept until the
// server has acknowledged them; what it did not acknowledge is sent again after a
// reconnect. Reports are made only while the socket is open, so an outage costs
// no memory: violations wait, and the page's state is stated anew afterwards.

import { Backoff } from './backoff';
import type { Timers } from './timers';
import {
  BEARER_SUBPROTOCOL,
  CloseCode,
  SUBPROTOCOL,
  type PageDelta,
  type ReportedViolation,
  type ReportMessage,
  type ServerMessage,
} from './wire';

export type EventsState =
  | { name: 'closed' }
  | { name: 'connecting' }
  | { name: 'open' }
  | { name: 'waiting' }
  /** The server will not have this socket again. */
  | { name: 'refused'; closeCode: number }
  /** The token may be why no socket opens; joining again tells. */
  | { name: 'unauthenticated' };

export interface EventsOptions {
  url: URL;
  createSocket: (url: URL, protocols: string[]) => WebSocket;
  timers: Timers;
  random: () => number;
  onState: (state: EventsState) => void;
  onMessage: (message: ServerMessage) => void;
}

/** A socket that acknowledges nothing for this long is taken for dead. */
const ACK_MS = 10_000;
/** From opening to the server's welcome. */
const WELCOME_MS = 10_000;
/** A browser hides why a handshake failed; after so many the token is suspected. */
const SUSPECT_TOKEN_AFTER = 3;
/** How long a report that the server could not take now is held back. */
const HOLD_MS = 2_000;
/** Refusals of a report that do not last. */
const TRY_AGAIN = new Set(['RateLimited', 'Internal']);
/** Violations that wait during an outage; the oldest give way. */
const MAX_PENDING = 100;
/** Mean luma moves all the time; smaller steps are no news. */
const LUMINANCE_STEP = 3;

export class EventSocket {
  private readonly options: EventsOptions;
  private readonly backoff: Backoff;
  private token: string | null = null;
  private socket: WebSocket | null = null;
  private welcomed = false;
  private failures = 0;
  private seq = 0;
  private unacked: ReportMessage[] = [];
  private pending: ReportedViolation[] = [];
  private page: PageDelta = {};
  private told: PageDelta = {};
  private timer: number | null = null;
  private watchdog: number | null = null;
  private hold: number | null = null;

  constructor(options: EventsOptions) {
    this.options = options;
    this.backoff = new Backoff({ firstMs: 500, maxMs: 15_000, random: options.random });
  }

  /** Connects, or goes on with a new token. */
  start(token: string): void {
    this.token = token;
    this.failures = 0;
    if (this.socket === null && this.timer === null) {
      this.connect();
    }
  }

  stop(): void {
    this.token = null;
    this.drop();
    this.options.onState({ name: 'closed' });
  }

  /** Reports the page's state and what has been found since the last report. */
  report(page: PageDelta, violations: ReportedViolation[] = []): void {
    this.page = page;
    this.pending.push(...violations);
    this.pending.splice(0, this.pending.length - MAX_PENDING);
    this.flush();
  }

  private flush(): void {
    if (!this.welcomed || this.hold !== null) {
      return;
    }
    const delta = changes(this.told, this.page);
    this.told = { ...this.told, ...delta };
    this.seq += 1;
    const message: ReportMessage = { type: 'report', seq: this.seq, sentAt: this.options.timers.now() };
    if (Object.keys(delta).length > 0) {
      message.delta = delta;
    }
    if (this.pending.length > 0) {
      message.violations = this.pending;
      this.pending = [];
    }
    this.unacked.push(message);
    this.send(message);
  }

  private send(message: ReportMessage): void {
    this.socket?.send(JSON.stringify(message));
    this.watchdog ??= this.options.timers.set(() => {
      this.watchdog = null;
      this.lost();
    }, ACK_MS);
  }

  private connect(): void {
    const { token } = this;
    if (token === null) {
      return;
    }
    const { createSocket, onState, timers, url } = this.options;
    onState({ name: 'connecting' });
    const socket = createSocket(url, [SUBPROTOCOL, BEARER_SUBPROTOCOL + token]);
    this.socket = socket;
    this.watchdog = timers.set(() => {
      this.watchdog = null;
      this.lost();
    }, WELCOME_MS);
    socket.onmessage = ({ data }) => {
      if (this.socket === socket) {
        this.received(data);
      }
    };
    socket.onclose = ({ code }) => {
      if (this.socket === socket) {
        this.closed(code);
      }
    };
  }

  private received(data: unknown): void {
    const message = parse(data);
    if (message === null) {
      return;
    }
    switch (message.type) {
      case 'welcome':
        this.welcome(message.seq ?? 0);
        break;
      case 'ack':
        this.acknowledged(message.seq ?? 0);
        break;
      case 'error':
        this.rejected(message.seq ?? 0, message.error?.code ?? '');
        break;
      default:
        break;
    }
    this.options.onMessage(message);
  }

  private welcome(ackSeq: number): void {
    this.clearWatchdog();
    this.welcomed = true;
    this.failures = 0;
    this.unacked = this.unacked.filter(({ seq }) => seq > ackSeq);
    // After a reload the server knows a higher number than this page does.
    this.seq = Math.max(this.seq, ackSeq);
    this.options.onState({ name: 'open' });
    this.resend();
    // The server may have been restarted and know nothing of this page.
    this.told = {};
    this.flush();
  }

  private acknowledged(seq: number): void {
    this.unacked = this.unacked.filter((message) => message.seq > seq);
    // Only a socket that carries reports is a good one.
    this.backoff.reset();
    this.settle();
  }

  private rejected(seq: number, code: string): void {
    if (!this.unacked.some((message) => message.seq === seq)) {
      return;
    }
    if (!TRY_AGAIN.has(code)) {
      // It would be rejected again, and hold up what comes after it.
      this.unacked = this.unacked.filter((message) => message.seq !== seq);
      this.settle();

      return;
    }
    // A later number must not overtake this one, or it would pass for a repeat:
    // everything waits, then goes out in order.
    this.clearWatchdog();
    this.hold ??= this.options.timers.set(() => {
      this.hold = null;
      this.resend();
    }, HOLD_MS * (0.5 + this.options.random()));
  }

  private resend(): void {
    for (const message of this.unacked) {
      this.send(message);
    }
  }

  /** Restarts the watchdog for what is still open. */
  private settle(): void {
    this.clearWatchdog();
    if (this.unacked.length > 0 && this.hold === null) {
      this.watchdog = this.options.timers.set(() => {
        this.watchdog = null;
        this.lost();
      }, ACK_MS);
    }
  }

  private closed(code: number): void {
    const opened = this.welcomed;
    this.drop();
    if (this.token === null) {
      return;
    }
    if (code === CloseCode.Unauthenticated) {
      this.token = null;
      this.options.onState({ name: 'unauthenticated' });

      return;
    }
    if (code >= 4400 && code <= 4499) {
      this.token = null;
      this.options.onState({ name: 'refused', closeCode: code });

      return;
    }
    this.failures = opened ? 0 : this.failures + 1;
    this.options.onState({ name: 'waiting' });
    this.timer = this.options.timers.set(() => {
      this.timer = null;
      this.connect();
    }, this.backoff.next());
    if (this.failures > 0 && this.failures % SUSPECT_TOKEN_AFTER === 0) {
      this.options.onState({ name: 'unauthenticated' });
    }
  }

  /** Gives the socket up without waiting for a close that may never come. */
  private lost(): void {
    const { socket } = this;
    if (socket !== null) {
      this.closed(1006);
      socket.close();
    }
  }

  private drop(): void {
    const { socket } = this;
    this.socket = null;
    this.welcomed = false;
    this.clearWatchdog();
    for (const timer of [this.timer, this.hold]) {
      if (timer !== null) {
        this.options.timers.clear(timer);
      }
    }
    this.timer = null;
    this.hold = null;
    if (socket !== null) {
      socket.onmessage = null;
      socket.onclose = null;
      socket.close();
    }
  }

  private clearWatchdog(): void {
    if (this.watchdog !== null) {
      this.options.timers.clear(this.watchdog);
      this.watchdog = null;
    }
  }
}

/** The fields of next that differ from what was told; false is a value. */
export function changes(told: PageDelta, next: PageDelta): PageDelta {
  const delta: PageDelta = {};
  for (const field of ['publishing', 'visible', 'focused', 'cameraMuted'] as const) {
    const value = next[field];
    if (value !== undefined && value !== told[field]) {
      delta[field] = value;
    }
  }
  const { luminance } = next;
  if (
    luminance !== undefined &&
    (told.luminance === undefined || Math.abs(luminance - told.luminance) >= LUMINANCE_STEP)
  ) {
    delta.luminance = luminance;
  }

  return delta;
}

function parse(data: unknown): ServerMessage | null {
  if (typeof data !== 'string') {
    return null;
  }
  try {
    const message: unknown = JSON.parse(data);

    return typeof message === 'object' && message !== null && 'type' in message
      ? (message as ServerMessage)
      : null;
  } catch {
    return null;
  }
}
