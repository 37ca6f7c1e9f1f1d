import { beforeEach, expect, it, vi } from 'vitest';

import { onlyTransport, PathChecker, type PathCheck } from './path-check';
import { FakePeer, FakeTimers, json, settled } from './testing';

const ANSWER = [
  'v=0',
  'm=video 9 UDP/TLS/RTP/SAVPF 96',
  'a=candidate:1 1 udp 2130706431 203.0.113.7 30001 typ host',
  'a=candidate:2 1 tcp 1671430143 203.0.113.7 30001 typ host tcptype passive',
  'a=candidate:3 1 UDP 2130706430 2001:db8::7 30001 typ host',
  'a=end-of-candidates',
  '',
].join('\r\n');

const endpoint = new URL('https://h.test/x/a/b/api/v1/whip');
const TURN = [{ urls: ['turn:turn.test'], username: 'u', credential: 'c' }];

let timers: FakeTimers;
let log: string[];
let told: PathCheck[];
let configs: RTCConfiguration[];
let fetcher: ReturnType<typeof vi.fn<typeof fetch>>;
let checker: PathChecker;

beforeEach(() => {
  FakePeer.made = [];
  timers = new FakeTimers();
  log = [];
  told = [];
  configs = [];
  let count = 0;
  fetcher = vi.fn<typeof fetch>((url, init) => {
    log.push(`${init?.method ?? ''} ${(url as URL).pathname.split('/').at(-1) ?? ''}`);
    if (init?.method === 'DELETE') {
      return Promise.resolve(new Response(null));
    }
    count += 1;

    return Promise.resolve(new Response(ANSWER, { status: 201, headers: { Location: `/x/a/b/api/v1/whip/sfu-0/r${String(count)}` } }));
  });
  checker = new PathChecker({
    endpoint,
    fetcher,
    createPeer: (config) => {
      configs.push(config);

      return new FakePeer() as unknown as RTCPeerConnection;
    },
    timers,
    onChange: (check) => told.push(check),
  });
});

const legs = () => told.at(-1)?.legs;

async function leg(outcome: 'connected' | 'failed' | 'silent', local: object = {}): Promise<void> {
  await settled();
  const peer = FakePeer.last;
  peer.stats = [
    { id: 'p', type: 'candidate-pair', state: 'succeeded', nominated: true, localCandidateId: 'l' },
    { id: 'l', type: 'local-candidate', ...local },
  ];
  if (outcome === 'silent') {
    timers.advance(6_000);
  } else {
    peer.becomes(outcome);
  }
  await settled();
}

it('tries one leg after the other, each by itself, and ends each session', async () => {
  checker.start('token', TURN);
  await leg('connected', { protocol: 'udp' });
  expect(FakePeer.made[0]?.answer).toMatchObject({ sdp: expect.not.stringContaining('tcptype') as string });
  await leg('connected', { protocol: 'tcp' });
  expect(FakePeer.made[1]?.answer).toMatchObject({ sdp: expect.not.stringMatching(/udp 2130/i) as string });
  await leg('connected', { protocol: 'udp', candidateType: 'relay' });
  expect(configs[2]).toMatchObject({ iceTransportPolicy: 'relay', iceServers: [{ username: 'u' }] });
  expect(log).toEqual(['POST whip', 'DELETE r1', 'POST whip', 'DELETE r2', 'POST whip', 'DELETE r3']);
  expect(told.at(-1)).toEqual({
    state: 'done',
    legs: { udp: 'ok', tcp: 'ok', turn: 'ok' },
    targets: ['UDP 203.0.113.7:30001', 'UDP [2001:db8::7]:30001', 'TCP 203.0.113.7:30001'],
    code: null,
  });
  expect(FakePeer.made.every(({ closed }) => closed)).toBe(true);
  expect(timers.pending).toBe(0);
});

it('sends no picture: there is no track', async () => {
  checker.start('token', []);
  await settled();
  expect(FakePeer.last.track).toBe('video');
});

it('names the leg that fails', async () => {
  checker.start('token', []);
  await leg('silent');
  await leg('connected', { protocol: 'tcp' });
  expect(legs()).toEqual({ udp: 'failed', tcp: 'ok', turn: 'notOffered' });
  expect(told.at(-1)?.state).toBe('done');
});

it('does not take another way for the one that is tried', async () => {
  checker.start('token', []);
  await leg('connected', { protocol: 'udp' });
  await leg('connected', { protocol: 'udp' });
  expect(legs()).toMatchObject({ udp: 'ok', tcp: 'failed' });
});

it('says so when the server cannot be asked', async () => {
  fetcher.mockResolvedValueOnce(json({ code: 'NoShardAvailable', message: '' }, 503));
  checker.start('token', []);
  await settled();
  expect(told.at(-1)).toMatchObject({ state: 'done', code: 'NoShardAvailable', legs: { udp: 'unknown' } });
});

it('leaves nothing behind when it is stopped', async () => {
  checker.start('token', []);
  await settled();
  const before = told.length;
  checker.stop();
  await settled();
  expect(log).toEqual(['POST whip', 'DELETE r1']);
  expect(FakePeer.last.closed).toBe(true);
  expect(told).toHaveLength(before);
  expect(timers.pending).toBe(0);
});

it('keeps the rest of the answer', () => {
  const { sdp, targets } = onlyTransport(ANSWER, 'tcp');
  expect(sdp.split('\r\n')).toHaveLength(5);
  expect(sdp).toContain('a=end-of-candidates\r\n');
  expect(targets).toEqual(['203.0.113.7:30001']);
});
