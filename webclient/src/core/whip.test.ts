import { beforeEach, describe, expect, it, vi } from 'vitest';

import { FakePeer, FakeTimers, json, settled } from './testing';
import { WhipPublisher, type WhipState } from './whip';

const endpoint = new URL('https://h.test/x/a/b/api/v1/whip');
const camera = { id: 'camera' } as MediaStreamTrack;
const created = () =>
  new Response('answer', { status: 201, headers: { Location: '/x/a/b/api/v1/whip/sfu-0/r1' } });

let timers: FakeTimers;
let states: WhipState[];
let fetcher: ReturnType<typeof vi.fn<typeof fetch>>;
let publisher: WhipPublisher;

beforeEach(() => {
  FakePeer.made = [];
  timers = new FakeTimers();
  states = [];
  fetcher = vi.fn<typeof fetch>(() => Promise.resolve(created()));
  publisher = new WhipPublisher({
    endpoint,
    fetcher,
    createPeer: () => new FakePeer() as unknown as RTCPeerConnection,
    timers,
    random: () => 1,
    onState: (state) => states.push(state),
  });
});

async function connected(): Promise<FakePeer> {
  publisher.start(camera, 'token', []);
  await settled();
  FakePeer.last.becomes('connected');

  return FakePeer.last;
}

const calls = (method: string) => fetcher.mock.calls.filter(([, init]) => init?.method === method);

it('posts the offer and takes the answer', async () => {
  const peer = await connected();
  const [url, init] = calls('POST')[0] ?? [];
  expect(url).toBe(endpoint);
  expect(init).toMatchObject({
    headers: { Authorization: 'Bearer token', 'Content-Type': 'application/sdp' },
    body: 'offer',
  });
  expect(peer.answer).toEqual({ type: 'answer', sdp: 'answer' });
  expect(states).toEqual([{ name: 'connecting' }, { name: 'connected' }]);
  expect(timers.pending).toBe(0);
});

it('deletes its resource on stop, in a way that outlives the page', async () => {
  const peer = await connected();
  publisher.stop();
  const [url, init] = calls('DELETE')[0] ?? [];
  expect(url).toHaveProperty('href', 'https://h.test/x/a/b/api/v1/whip/sfu-0/r1');
  expect(init).toMatchObject({ keepalive: true, headers: { Authorization: 'Bearer token' } });
  expect(peer.closed).toBe(true);
  expect(states.at(-1)).toEqual({ name: 'idle' });
});

it('deletes nothing where the server has ended the stream', async () => {
  await connected();
  publisher.stop(false);
  expect(calls('DELETE')).toEqual([]);
});

it('does not send its token to another origin', async () => {
  fetcher.mockResolvedValueOnce(
    new Response('answer', { status: 201, headers: { Location: 'https://evil.test/whip/1' } }),
  );
  await connected();
  publisher.stop();
  expect(calls('DELETE')).toEqual([]);
});

it('stops an offer that is under way', async () => {
  let signal: AbortSignal | null | undefined;
  fetcher.mockImplementationOnce((_url, init) => {
    signal = init?.signal;

    return new Promise(() => undefined);
  });
  publisher.start(camera, 'token', []);
  await settled();
  publisher.stop();
  expect(signal?.aborted).toBe(true);
  expect(states.at(-1)).toEqual({ name: 'idle' });
});

describe('reconnects with the same track', () => {
  it.each(['failed', 'closed'])('at once when the connection is %s', async (state) => {
    const first = await connected();
    first.becomes(state);
    expect(states.at(-1)).toEqual({ name: 'waiting', code: 'MediaLost' });
    expect(calls('DELETE')).toHaveLength(1);
    timers.advance(500);
    await settled();
    expect(FakePeer.last).not.toBe(first);
    expect(FakePeer.last.track).toBe(camera);
    expect(first.closed).toBe(true);
  });

  it('when "disconnected" lasts, and not when it passes', async () => {
    const first = await connected();
    first.becomes('disconnected');
    timers.advance(2_999);
    first.becomes('connected');
    timers.advance(60_000);
    expect(FakePeer.made).toHaveLength(1);
    first.becomes('disconnected');
    timers.advance(3_500);
    expect(FakePeer.made).toHaveLength(2);
  });

  it('when no media connection comes about', async () => {
    publisher.start(camera, 'token', []);
    await settled();
    timers.advance(10_500);
    expect(FakePeer.made).toHaveLength(2);
  });

  it('not sooner than the server says', async () => {
    fetcher.mockResolvedValueOnce(json({ code: 'NoShardAvailable', message: '' }, 503, { 'Retry-After': '5' }));
    publisher.start(camera, 'token', []);
    await settled();
    expect(states.at(-1)).toEqual({ name: 'waiting', code: 'NoShardAvailable' });
    timers.advance(4_999);
    expect(FakePeer.made).toHaveLength(1);
    timers.advance(1);
    expect(FakePeer.made).toHaveLength(2);
  });

  it('with growing pauses', async () => {
    fetcher.mockImplementation(() => Promise.reject(new TypeError('Failed to fetch')));
    publisher.start(camera, 'token', []);
    for (const [made, wait] of [[1, 500], [2, 1_000], [3, 2_000], [4, 4_000], [5, 8_000], [6, 10_000]] as const) {
      await settled();
      expect(FakePeer.made).toHaveLength(made);
      timers.advance(wait - 1);
      expect(FakePeer.made).toHaveLength(made);
      timers.advance(1);
    }
  });

  it('and stops doing so on stop', async () => {
    const first = await connected();
    first.becomes('failed');
    publisher.stop();
    expect(timers.pending).toBe(0);
  });
});

it.each([
  [401, 'TokenExpired'],
  [403, 'ExamFinished'],
  [409, 'SessionReplaced'],
  [422, 'UnsupportedOffer'],
])('gives up on %i %s', async (status, code) => {
  fetcher.mockResolvedValueOnce(json({ code, message: '' }, status));
  publisher.start(camera, 'token', []);
  await settled();
  expect(states.at(-1)).toEqual({ name: 'failed', code });
  timers.advance(600_000);
  expect(FakePeer.made).toHaveLength(1);
});

it('changes the camera without a new offer', async () => {
  const peer = await connected();
  const other = { id: 'other' } as MediaStreamTrack;
  publisher.start(other, 'token', []);
  await settled();
  expect(peer.track).toBe(other);
  expect(FakePeer.made).toHaveLength(1);
});

describe('sends what is wanted', () => {
  const layers = (encodings: RTCRtpEncodingParameters[] | undefined) =>
    encodings?.map(({ rid, active, maxFramerate }) => [rid, active, maxFramerate]);

  it('in two layers, the low one a quarter of the size', async () => {
    const { init } = await connected();
    expect(init.sendEncodings?.map(({ rid, scaleResolutionDownBy }) => [rid, scaleResolutionDownBy])).toEqual([
      ['l', 4],
      ['h', 1],
    ]);
    expect(layers(init.sendEncodings)).toEqual([['l', true, 15], ['h', true, 15]]);
  });

  it.each([
    ['trickle', [['l', true, 1], ['h', false, 15]]],
    ['low', [['l', true, 15], ['h', false, 15]]],
    ['high', [['l', true, 15], ['h', true, 15]]],
  ] as const)('%s', async (wanted, want) => {
    const peer = await connected();
    publisher.want(wanted);
    await settled();
    expect(layers(peer.sent.at(-1))).toEqual(want);
    expect(FakePeer.made).toHaveLength(1);
  });

  it('one change after the other, also after one has failed', async () => {
    const peer = await connected();
    await settled();
    peer.sent = [];
    peer.sender.getParameters = () => {
      peer.sender.getParameters = () => structuredClone({ encodings: peer.init.sendEncodings ?? [] });
      throw new DOMException('', 'InvalidStateError');
    };
    publisher.want('low');
    publisher.want('trickle');
    await settled();
    expect(peer.sent.map(layers)).toEqual([[['l', true, 1], ['h', false, 15]]]);
  });

  it('also of the next connection', async () => {
    const first = await connected();
    publisher.want('trickle');
    first.becomes('failed');
    timers.advance(500);
    expect(layers(FakePeer.last.init.sendEncodings)).toEqual([['l', true, 1], ['h', false, 15]]);
  });
});

describe('when its pod drains', () => {
  const resourceOn = (shard: string) =>
    new Response('answer', { status: 201, headers: { Location: `/x/a/b/api/v1/whip/${shard}/r` } });
  const deleted = () => calls('DELETE').map(([url]) => (url as URL).pathname.split('/').at(-2));

  it('publishes on another one before it ends the first', async () => {
    fetcher.mockResolvedValueOnce(resourceOn('old')).mockResolvedValueOnce(resourceOn('new'));
    const old = await connected();
    publisher.move();
    await settled();
    const next = FakePeer.last;
    expect(next).not.toBe(old);
    expect(next.track).toBe(camera);
    expect([old.closed, deleted()]).toEqual([false, []]);
    next.becomes('connected');
    expect([old.closed, deleted()]).toEqual([true, ['old']]);
    expect(publisher.peer).toBe(next);
    expect(states.map(({ name }) => name)).toEqual(['connecting', 'connected', 'connected']);
  });

  it('moves once, however often it is told', async () => {
    await connected();
    publisher.move();
    publisher.move();
    await settled();
    publisher.move();
    expect(FakePeer.made).toHaveLength(2);
  });

  it('tries again while there is no room elsewhere, and goes on sending', async () => {
    const old = await connected();
    fetcher.mockResolvedValueOnce(json({ code: 'NoShardAvailable', message: '' }, 503, { 'Retry-After': '2' }));
    publisher.move();
    await settled();
    expect(states.at(-1)).toEqual({ name: 'connected' });
    timers.advance(1_999);
    expect(FakePeer.made).toHaveLength(2);
    timers.advance(1);
    await settled();
    FakePeer.last.becomes('connected');
    expect(FakePeer.made).toHaveLength(3);
    expect(old.closed).toBe(true);
  });

  it('goes on with the new one if the old one ends first', async () => {
    const old = await connected();
    publisher.move();
    await settled();
    old.becomes('failed');
    expect(states.at(-1)).toEqual({ name: 'connecting' });
    FakePeer.last.becomes('connected');
    expect(states.at(-1)).toEqual({ name: 'connected' });
    expect(FakePeer.made).toHaveLength(2);
    expect(timers.pending).toBe(0);
  });

  it('sends both what is wanted, and both another camera', async () => {
    const old = await connected();
    publisher.move();
    await settled();
    const other = { id: 'other' } as MediaStreamTrack;
    await publisher.replaceTrack(other);
    publisher.want('low');
    await settled();
    expect([old.track, FakePeer.last.track]).toEqual([other, other]);
    expect(FakePeer.last.sent.at(-1)?.map(({ active }) => active)).toEqual([true, false]);
  });

  it('ends both when it is stopped', async () => {
    fetcher.mockResolvedValueOnce(resourceOn('old')).mockResolvedValueOnce(resourceOn('new'));
    await connected();
    publisher.move();
    await settled();
    publisher.stop();
    expect(deleted().sort()).toEqual(['new', 'old']);
    expect(FakePeer.made.every(({ closed }) => closed)).toBe(true);
    expect(timers.pending).toBe(0);
  });
});

it('hurries when the network is back', async () => {
  fetcher.mockRejectedValueOnce(new TypeError('offline'));
  publisher.start(camera, 'token', []);
  await settled();
  expect(states.at(-1)).toEqual({ name: 'waiting', code: 'Network' });
  publisher.hurry();
  expect(FakePeer.made).toHaveLength(2);
  publisher.hurry();
  expect(FakePeer.made).toHaveLength(2);
});

it('publishes anew after a sleep', async () => {
  const asleep = await connected();
  publisher.reconnect();
  expect(asleep.closed).toBe(true);
  expect(calls('DELETE')).toEqual([]);
  await settled();
  FakePeer.last.becomes('connected');
  expect(states.at(-1)).toEqual({ name: 'connected' });
});
