// The event socket: reports go out with a sequence number and are kept until the
// server has acknowledged them or a later one; what it did not acknowledge is sent
// again after a reconnect. A socket that acknowledges nothing is given up, so no more
// than some seconds of reports are kept. Reports are made only while the socket is open, so an outage costs
// no memory: violations wait, and the page's state is stated anew afterwards.
// Violations are also kept in a store that outlives the page (outbox.ts).

import { Backoff } from './backoff';
import type { Kept, Outbox } from './outbox';
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
  /** Where violations wait, so that a reload loses none; absent: in memory only. */
  outbox?: Outbox;
}

/**
 * A socket that does not acknowledge a report for this long is taken for dead. The
 * server acknowledges one without violations when others have come, or within 12 s.
 */
const ACK_MS = 15_000;
const VIOLATION_ACK_MS = 10_000;
/** From opening to the server's welcome. */
const WELCOME_MS = 10_000;
/** A browser hides why a handshake failed; after so many the token is suspected. */
const SUSPECT_TOKEN_AFTER = 3;
/** How long a report that the server could not take now is held back. */
const HOLD_MS = 2_000;
/** Refusals of a report that do not last. */
const TRY_AGAIN = new Set(['RateLimited', 'Internal']);
/** Violations that wait during an outage; the oldest give way. */
const MAX_PENDING = 1_000;
/** The server takes 64 in one report. */
const MAX_PER_REPORT = 50;
/** Mean luma moves all the time; smaller steps are no news. */
const LUMINANCE_STEP = 3;

interface Unacked extends ReportMessage {
  /** What of it is in the outbox. */
  kept: Kept[];
}

export class EventSocket {
  private readonly options: EventsOptions;
  private readonly backoff: Backoff;
  private token: string | null = null;
  private socket: WebSocket | null = null;
  private welcomed = false;
  private failures = 0;
  private seq = 0;
  private unacked: Unacked[] = [];
  private pending: Kept[] = [];
  /** What the outbox holds has been read. */
  private recalled: boolean;
  private storing = false;
  private page: PageDelta = {};
  private told: PageDelta = {};
  private timer: number | null = null;
  private watchdog: number | null = null;
  private watchdogDue = 0;
  private hold: number | null = null;

  constructor(options: EventsOptions) {
    this.options = options;
    this.recalled = options.outbox === undefined;
    this.backoff = new Backoff({ firstMs: 500, maxMs: 15_000, random: options.random });
  }

  /** Connects, or goes on with a new token. */
  start(token: string): void {
    this.token = token;
    this.failures = 0;
    if (!this.recalled) {
      void this.recall();
    } else if (this.socket === null && this.timer === null) {
      this.connect();
    }
  }

  /** The network may be back: no more waiting. */
  hurry(): void {
    if (this.timer !== null) {
      this.options.timers.clear(this.timer);
      this.timer = null;
      this.backoff.reset();
      this.connect();
    }
  }

  /** The device has slept: whatever socket there was is dead, and nobody has said so. */
  reconnect(): void {
    if (this.socket !== null) {
      this.lost();
    }
    this.hurry();
  }

  stop(): void {
    this.token = null;
    this.drop();
    this.options.onState({ name: 'closed' });
  }

  /** Reports the page's state and what has been found since the last report. */
  report(page: PageDelta, violations: ReportedViolation[] = []): void {
    this.page = page;
    const { outbox } = this.options;
    const kept = violations.map((one): Kept => ({ key: outbox?.nextKey() ?? 0, seq: null, violation: one }));
    if (kept.length > 0) {
      this.pending.push(...kept);
      void outbox?.keep(kept);
      const given = this.pending.splice(0, this.pending.length - MAX_PENDING);
      outbox?.forget(given);
    }
    this.flush();
  }

  /** Takes up what the page before a reload, or a tab that is gone, could not get rid of. */
  private async recall(): Promise<void> {
    const found = (await this.options.outbox?.recall()) ?? [];
    if (this.recalled) {
      return;
    }
    this.recalled = true;
    for (const kept of found) {
      const { seq, violation } = kept;
      if (seq === null || seq === 0) {
        this.pending.push(kept);
        continue;
      }
      this.seq = Math.max(this.seq, seq);
      const report = this.unacked.find((message) => message.seq === seq);
      if (report === undefined) {
        this.unacked.push({ type: 'report', seq, sentAt: this.options.timers.now(), violations: [violation], kept: [kept] });
      } else {
        report.violations = [...(report.violations ?? []), violation];
        report.kept.push(kept);
      }
    }
    this.unacked.sort((a, b) => a.seq - b.seq);
    this.connect();
  }

  private flush(): void {
    if (!this.welcomed || this.hold !== null || this.storing) {
      return;
    }
    const delta = changes(this.told, this.page);
    this.told = { ...this.told, ...delta };
    this.seq += 1;
    const kept = this.pending.splice(0, MAX_PER_REPORT);
    const message: Unacked = { type: 'report', seq: this.seq, sentAt: this.options.timers.now(), kept };
    if (Object.keys(delta).length > 0) {
      message.delta = delta;
    }
    if (kept.length > 0) {
      message.violations = kept.map(({ violation }) => violation);
    }
    this.unacked.push(message);
    if (this.options.outbox === undefined || kept.length === 0) {
      this.send(message);
      this.flushRest();
    } else {
      void this.storeThenSend(message, this.options.outbox);
    }
  }

  /**
   * The number is kept before it is used. A page that is reloaded between the two
   * would otherwise send the same violations again under another number.
   */
  private async storeThenSend(message: Unacked, outbox: Outbox): Promise<void> {
    const { socket } = this;
    this.storing = true;
    message.kept = message.kept.map((kept) => ({ ...kept, seq: message.seq }));
    await outbox.keep(message.kept);
    this.storing = false;
    // Another socket has sent it with its welcome.
    if (this.socket === socket && this.welcomed) {
      this.send(message);
    }
    this.flushRest();
  }

  private flushRest(): void {
    if (this.pending.length > 0) {
      this.flush();
    }
  }

  private send({ type, seq, sentAt, delta, violations }: Unacked): void {
    // What is undefined is left out.
    this.socket?.send(JSON.stringify({ type, seq, sentAt, delta, violations }));
    this.watch(violations === undefined ? ACK_MS : VIOLATION_ACK_MS);
  }

  /** Takes the socket for dead after that long, unless something is acknowledged. */
  private watch(ms: number): void {
    const { timers } = this.options;
    const due = timers.now() + ms;
    if (this.watchdog !== null && this.watchdogDue <= due) {
      return;
    }
    this.clearWatchdog();
    this.watchdogDue = due;
    this.watchdog = timers.set(() => {
      this.watchdog = null;
      this.lost();
    }, ms);
  }

  /** These reports are settled, whatever became of them. */
  private settleReports(settled: (message: Unacked) => boolean): void {
    this.options.outbox?.forget(this.unacked.filter(settled).flatMap(({ kept }) => kept));
    this.unacked = this.unacked.filter((message) => !settled(message));
  }

  private connect(): void {
    const { token } = this;
    if (token === null) {
      return;
    }
    const { createSocket, onState, url } = this.options;
    onState({ name: 'connecting' });
    const socket = createSocket(url, [SUBPROTOCOL, BEARER_SUBPROTOCOL + token]);
    this.socket = socket;
    this.watch(WELCOME_MS);
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
    this.settleReports(({ seq }) => seq <= ackSeq);
    // After a reload the server knows a higher number than this page does.
    this.seq = Math.max(this.seq, ackSeq);
    this.options.onState({ name: 'open' });
    this.resend();
    // The server may have been restarted and know nothing of this page.
    this.told = {};
    this.flush();
  }

  private acknowledged(seq: number): void {
    this.settleReports((message) => message.seq <= seq);
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
      this.settleReports((message) => message.seq === seq);
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
      this.watch(this.unacked.some(({ violations }) => violations !== undefined) ? VIOLATION_ACK_MS : ACK_MS);
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
      this.sessionOver(code);
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

  private sessionOver(code: number): void {
    const { outbox } = this.options;
    if (code === CloseCode.ExamFinished) {
      outbox?.forget([...this.pending, ...this.unacked.flatMap(({ kept }) => kept)]);
    } else {
      // The next session counts from 1 again: these numbers mean nothing to it.
      void outbox?.keep(this.unacked.flatMap(({ kept }) => kept).map((kept) => ({ ...kept, seq: 0 })));
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
