// The invigilators' feed (docs/protocol.md): one WebSocket that comes back by
// itself and fills the store. At rest the feed is silent, so silence alone is no
// sign; what is, is a socket that does not open, or one that has been silent for
// longer than a live exam ever is.

import { Backoff } from '../backoff';
import type { Timers } from '../timers';
import { BEARER_SUBPROTOCOL } from '../wire';
import { FEED_SUBPROTOCOL, FeedCloseCode, type FeedMessage } from '../wire-invigilator';
import type { WallStore } from './store';
import type { TokenKeeper } from './token';

export interface FeedOptions {
  url: URL;
  createSocket: (url: URL, protocols: string[]) => WebSocket;
  timers: Timers;
  random: () => number;
  keeper: TokenKeeper;
  store: WallStore;
}

/** From connecting to the snapshot. */
export const SNAPSHOT_MS = 10_000;
/** Without an open feed for so long, what is shown is called old. */
export const STALE_MS = 5_000;
/**
 * A socket whose other end is gone looks like one at rest. Each student that is
 * there is news twice a minute, so this is rare, and costs one snapshot.
 */
export const QUIET_MS = 90_000;

export class Feed {
  private readonly options: FeedOptions;
  private readonly backoff: Backoff;
  private socket: WebSocket | null = null;
  private retry: number | null = null;
  private watchdog: number | null = null;
  private staleTimer: number | null = null;
  private started = false;
  private over = false;
  private leaveKeeper: () => void = () => undefined;

  constructor(options: FeedOptions) {
    this.options = options;
    this.backoff = new Backoff({ firstMs: 500, maxMs: 15_000, random: options.random });
  }

  /** Connects as soon as there is a token; may be called once. */
  start(): void {
    this.started = true;
    this.leaveKeeper = this.options.keeper.subscribe(() => {
      this.tokenChanged();
    });
    this.tokenChanged();
  }

  stop(): void {
    this.over = true;
    this.leaveKeeper();
    this.drop();
    this.clearTimer('retry');
    this.clearTimer('staleTimer');
  }

  /** The network may be back, or the device awake: no more waiting. */
  hurry(): void {
    if (this.retry !== null) {
      this.clearTimer('retry');
      this.backoff.reset();
      this.connect();
    }
  }

  /** The device has slept: whatever socket there was may be dead without a word. */
  reconnect(): void {
    if (this.socket !== null) {
      this.lost();
    }
    this.hurry();
  }

  private tokenChanged(): void {
    const { keeper } = this.options;
    if (!this.started || this.over) {
      return;
    }
    if (keeper.token === null) {
      this.drop();
      this.clearTimer('retry');
      this.closedAs('unauthorised');

      return;
    }
    // A socket that is open goes on: it ends with its own token, and then takes the new one.
    if (this.socket === null) {
      this.clearTimer('retry');
      this.backoff.reset();
      this.connect();
    }
  }

  private connect(): void {
    const { createSocket, keeper, store, url } = this.options;
    const { token } = keeper;
    if (token === null || this.over) {
      return;
    }
    store.setStatus({ connection: store.status().updatedAt === 0 ? 'connecting' : 'reconnecting' });
    this.armStale();
    const socket = createSocket(url, [FEED_SUBPROTOCOL, BEARER_SUBPROTOCOL + token]);
    this.socket = socket;
    this.watch(SNAPSHOT_MS);
    socket.onmessage = ({ data }) => {
      this.received(data);
    };
    socket.onclose = ({ code, reason }) => {
      this.closed(code, reason, token);
    };
  }

  private received(data: unknown): void {
    const message = parse(data);
    if (message === null) {
      return;
    }
    const { store } = this.options;
    this.watch(QUIET_MS);
    store.apply(message);
    if (message.type === 'snapshot') {
      this.backoff.reset();
      this.clearTimer('staleTimer');
      store.setStatus({ connection: 'open', stale: false });
    }
  }

  private closed(code: number, reason: string, token: string): void {
    const { keeper, timers } = this.options;
    this.drop();
    switch (code) {
      case FeedCloseCode.Unauthenticated:
        this.closedAs('unauthorised');
        if (keeper.token === token) {
          // Tells this feed as well, which waits for another one then.
          keeper.rejected(token, reason === '' ? 'Unauthenticated' : reason);
        } else {
          this.tokenChanged();
        }
        break;
      case FeedCloseCode.TooLarge:
      case FeedCloseCode.BadMessage:
        // It would be the same again.
        this.closedAs('refused');
        break;
      default:
        this.closedAs('reconnecting');
        this.retry = timers.set(() => {
          this.retry = null;
          this.connect();
        }, this.backoff.next());
    }
  }

  private closedAs(connection: 'reconnecting' | 'refused' | 'unauthorised'): void {
    this.options.store.setStatus({ connection });
    this.armStale();
  }

  /** Gives the socket up without waiting for a close that may never come. */
  private lost(): void {
    this.closed(1006, '', '');
  }

  private watch(ms: number): void {
    this.clearTimer('watchdog');
    this.watchdog = this.options.timers.set(() => {
      this.watchdog = null;
      this.lost();
    }, ms);
  }

  private armStale(): void {
    const { store, timers } = this.options;
    if (store.status().stale) {
      return;
    }
    this.staleTimer ??= timers.set(() => {
      this.staleTimer = null;
      store.setStatus({ stale: true });
    }, STALE_MS);
  }

  private drop(): void {
    const { socket } = this;
    this.socket = null;
    this.clearTimer('watchdog');
    if (socket !== null) {
      socket.onmessage = null;
      socket.onclose = null;
      socket.close();
    }
  }

  private clearTimer(name: 'retry' | 'watchdog' | 'staleTimer'): void {
    const timer = this[name];
    if (timer !== null) {
      this.options.timers.clear(timer);
      this[name] = null;
    }
  }
}

function parse(data: unknown): FeedMessage | null {
  if (typeof data !== 'string') {
    return null;
  }
  try {
    const message: unknown = JSON.parse(data);

    return typeof message === 'object' && message !== null && 'type' in message ? (message as FeedMessage) : null;
  } catch {
    return null;
  }
}
