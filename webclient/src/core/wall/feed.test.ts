import { beforeEach, expect, it } from 'vitest';

import { FakeSocket, FakeTimers } from '../testing';
import { Feed, QUIET_MS, SNAPSHOT_MS, STALE_MS } from './feed';
import { WallStore } from './store';
import { delta, session, snapshot } from './testing';
import { TokenKeeper } from './token';
import type { FeedMessage } from '../wire-invigilator';

let timers: FakeTimers;
let store: WallStore;
let keeper: TokenKeeper;
let feed: Feed;

function start(token: string | null = 'token-1'): void {
  const kept = new Map<string, string>();
  keeper = new TokenKeeper(
    {
      examPath: '/x/default/finals/',
      store: {
        getItem: (key) => kept.get(key) ?? null,
        setItem: (key, value) => void kept.set(key, value),
        removeItem: (key) => void kept.delete(key),
      },
      channel: null,
    },
    token,
  );
  feed = new Feed({
    url: new URL('ws://exam.test/api/v1/feed'),
    createSocket: FakeSocket.create,
    timers,
    random: () => 1,
    keeper,
    store,
  });
  feed.start();
}

beforeEach(() => {
  FakeSocket.made = [];
  timers = new FakeTimers();
  store = new WallStore(() => timers.now());
});

const says = (message: FeedMessage) => FakeSocket.last.onmessage?.({ data: JSON.stringify(message) });
const closes = (code: number, reason = '') => {
  (FakeSocket.last.onclose as ((event: { code: number; reason: string }) => void) | null)?.({ code, reason });
};

it('opens with the token and is live with the snapshot', () => {
  start();
  expect(FakeSocket.last.protocols).toEqual(['invigil.feed.v1', 'bearer.token-1']);
  expect(store.status()).toMatchObject({ connection: 'connecting', stale: false });
  says(snapshot([session('a')]));
  expect(store.status()).toMatchObject({ connection: 'open', stale: false });
  says(delta(session('a', { score: 3 })));
  expect(store.session('a')?.score).toBe(3);
  FakeSocket.last.onmessage?.({ data: 'no JSON' });
  FakeSocket.last.onmessage?.({ data: '7' });
  expect(FakeSocket.last.sent).toEqual([]);
});

it('comes back with longer and longer pauses, and keeps what it knew meanwhile', () => {
  start();
  says(snapshot([session('a')]));
  const known = store.session('a');
  for (const pause of [500, 1_000, 2_000]) {
    closes(1006);
    expect(store.status().connection).toBe('reconnecting');
    const made = FakeSocket.made.length;
    timers.advance(pause - 1);
    expect(FakeSocket.made).toHaveLength(made);
    timers.advance(1);
    expect(FakeSocket.made).toHaveLength(made + 1);
  }
  says(snapshot([session('a')]));
  expect(store.session('a')).toBe(known);
  closes(4000);
  timers.advance(500);
  expect(FakeSocket.made).toHaveLength(5);
});

it('is old after some seconds without a feed, and not before', () => {
  start();
  says(snapshot([]));
  timers.advance(STALE_MS * 2);
  expect(store.status().stale).toBe(false);
  closes(1006);
  timers.advance(STALE_MS - 1);
  expect(store.status().stale).toBe(false);
  timers.advance(1);
  expect(store.status().stale).toBe(true);
  says(snapshot([]));
  expect(store.status()).toMatchObject({ stale: false, connection: 'open' });
});

it('a socket that brings no snapshot, or nothing for long, is made anew', () => {
  start();
  timers.advance(SNAPSHOT_MS);
  expect(store.status()).toMatchObject({ connection: 'reconnecting', stale: true });
  timers.advance(500);
  expect(FakeSocket.made).toHaveLength(2);
  says(snapshot([]));
  timers.advance(QUIET_MS - 1);
  expect(FakeSocket.made).toHaveLength(2);
  timers.advance(501);
  expect(FakeSocket.made).toHaveLength(3);
});

it.each([
  ['TokenExpired', { name: 'expired' }],
  ['Forbidden', { name: 'refused', code: 'Forbidden' }],
  ['', { name: 'refused', code: 'Unauthenticated' }],
])('4401 %s waits for another token, and goes on with it', (reason, state) => {
  start();
  says(snapshot([session('a')]));
  closes(4401, reason);
  expect(keeper.state()).toEqual(state);
  expect(store.status().connection).toBe('unauthorised');
  timers.advance(600_000);
  expect(FakeSocket.made).toHaveLength(1);
  keeper.renew('token-2');
  expect(FakeSocket.last.protocols).toEqual(['invigil.feed.v1', 'bearer.token-2']);
  says(snapshot([]));
  expect(store.status()).toMatchObject({ connection: 'open', stale: false });
});

it('4401 about a token that has been replaced since takes the new one', () => {
  start();
  says(snapshot([]));
  keeper.renew('token-2');
  expect(FakeSocket.made).toHaveLength(1);
  closes(4401, 'TokenExpired');
  expect(keeper.token).toBe('token-2');
  expect(FakeSocket.last.protocols[1]).toBe('bearer.token-2');
});

it.each([4400, 1009])('%i is not tried again', (code) => {
  start();
  closes(code);
  timers.advance(600_000);
  expect(FakeSocket.made).toHaveLength(1);
  expect(store.status().connection).toBe('refused');
});

it('without a token it waits; when the network is back nobody waits', () => {
  start(null);
  expect(FakeSocket.made).toHaveLength(0);
  expect(store.status().connection).toBe('unauthorised');
  keeper.renew('token-1');
  closes(1013);
  closes(1013);
  feed.hurry();
  expect(FakeSocket.made).toHaveLength(2);
  says(snapshot([]));
  feed.reconnect();
  expect(FakeSocket.made).toHaveLength(3);
});

it('stops for good', () => {
  start();
  const socket = FakeSocket.last;
  feed.stop();
  expect(socket.closedByPage).toBe(true);
  keeper.renew('token-2');
  timers.advance(600_000);
  expect(FakeSocket.made).toHaveLength(1);
  expect(timers.pending).toBe(0);
});
