// The invigilator's token: short-lived, from the address, good for every page of
// one exam. A tab that is opened with a fresh one hands it to the others, and a
// tab that is opened without one asks them. While none is accepted the page says
// so, and everything that needs one waits here.

type Store = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;

export type TokenState =
  | { name: 'ready'; token: string }
  /** The page was opened without one. */
  | { name: 'missing' }
  /** It was good, and is no longer. */
  | { name: 'expired' }
  /** It never was good here: a code of docs/protocol.md. */
  | { name: 'refused'; code: string };

export interface TokenKeeperOptions {
  /** The exam's path, which all of its pages share. */
  examPath: string;
  /** Of this tab; a reload keeps it. */
  store: Store;
  /** Reaches the other tabs of the exam; null where the browser has none. */
  channel: BroadcastChannel | null;
}

type Word = { type: 'token'; token: string } | { type: 'ask' };

export class TokenKeeper {
  private readonly options: TokenKeeperOptions;
  private readonly listeners = new Set<() => void>();
  private readonly bad = new Set<string>();
  private current: TokenState;

  /** fresh is what the address had, null if it had none. */
  constructor(options: TokenKeeperOptions, fresh: string | null) {
    this.options = options;
    const { channel, store } = options;
    const token = fresh ?? store.getItem(this.key);
    this.current = token === null ? { name: 'missing' } : { name: 'ready', token };
    if (channel !== null) {
      channel.onmessage = ({ data }: MessageEvent<Word>) => {
        this.heard(data);
      };
    }
    if (fresh !== null) {
      store.setItem(this.key, fresh);
      this.say({ type: 'token', token: fresh });
    } else if (token === null) {
      this.say({ type: 'ask' });
    }
  }

  readonly state = (): TokenState => this.current;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);

    return () => {
      this.listeners.delete(listener);
    };
  };

  /** The token, or null while there is none that may be accepted. */
  get token(): string | null {
    return this.current.name === 'ready' ? this.current.token : null;
  }

  /** A fresh token, from this tab's address or from another tab. */
  renew(token: string): void {
    const { current } = this;
    if (current.name === 'ready' && current.token === token) {
      return;
    }
    this.options.store.setItem(this.key, token);
    this.become({ name: 'ready', token });
  }

  /** The same, and the other tabs get it. */
  share(token: string): void {
    this.renew(token);
    this.say({ type: 'token', token });
  }

  /** The server does not take this token; an answer about an older one says nothing. */
  rejected(token: string, code: string): void {
    if (this.token !== token) {
      return;
    }
    this.bad.add(token);
    this.options.store.removeItem(this.key);
    this.become(code === 'TokenExpired' ? { name: 'expired' } : { name: 'refused', code });
    // Another tab may have been given a better one while this one slept.
    this.say({ type: 'ask' });
  }

  private get key(): string {
    return `invigil.invigilator:${this.options.examPath}`;
  }

  private become(state: TokenState): void {
    this.current = state;
    for (const listener of this.listeners) {
      listener();
    }
  }

  private heard(word: Word): void {
    if (word.type === 'token') {
      this.offered(word.token);
    } else if (this.token !== null) {
      this.say({ type: 'token', token: this.token });
    }
  }

  /** An answer to somebody's question may be older than what this tab has. */
  private offered(token: string): void {
    const { current } = this;
    if (current.name !== 'ready' || expiry(token) > expiry(current.token)) {
      // The others may not have noticed yet that it is no good.
      if (!this.bad.has(token)) {
        this.renew(token);
      }
    }
  }

  private say(word: Word): void {
    this.options.channel?.postMessage(word);
  }
}

/** When it ends, in seconds since the Unix epoch; 0 if it does not say. Nothing is checked: the server does that. */
export function expiry(token: string): number {
  try {
    const body = token.split('.')[1] ?? '';
    const claims: unknown = JSON.parse(atob(body.replaceAll('-', '+').replaceAll('_', '/')));

    return typeof claims === 'object' && claims !== null && 'exp' in claims && typeof claims.exp === 'number' ? claims.exp : 0;
  } catch {
    return 0;
  }
}

/** The exam's path of one of its pages: "/x/exams/algebra/wall" gives "/x/exams/algebra/". */
export function examPathOf(pathname: string): string {
  return pathname.replace(/[^/]*$/, '');
}

/** Takes the token from the address and removes it there; null if there is none. */
export function takeFragment(
  location: Pick<Location, 'hash' | 'pathname' | 'search'>,
  history: Pick<History, 'replaceState'>,
): string | null {
  const token = location.hash.replace(/^#/, '').trim();
  if (token === '') {
    return null;
  }
  history.replaceState(null, '', location.pathname + location.search);

  return token;
}
