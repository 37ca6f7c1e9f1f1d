// What the tests of core stand on: a clock that only moves when told, and fakes
// for the browser's parts where a fault has to be played.

import type { Timers } from './timers';
import type { ExamInfo, JoinResponse, Notice, ServerMessage, ViewEvent } from './wire';

export class FakeTimers implements Timers {
  private time: number;
  private next = 1;
  private readonly waiting = new Map<number, { at: number; run: () => void }>();

  constructor(start = 1_000_000) {
    this.time = start;
  }

  now(): number {
    return this.time;
  }

  set(run: () => void, ms: number): number {
    const id = this.next++;
    this.waiting.set(id, { at: this.time + ms, run });

    return id;
  }

  clear(id: number): void {
    this.waiting.delete(id);
  }

  get pending(): number {
    return this.waiting.size;
  }

  /** The clock goes on and nothing runs; then all that is due runs once. */
  sleep(ms: number): void {
    this.time += ms;
    this.advance(0);
  }

  advance(ms: number): void {
    const end = this.time + ms;
    for (;;) {
      const due = [...this.waiting].filter(([, { at }]) => at <= end).sort(([, a], [, b]) => a.at - b.at)[0];
      if (due === undefined) {
        break;
      }
      const [id, { at, run }] = due;
      this.waiting.delete(id);
      this.time = Math.max(this.time, at);
      run();
    }
    this.time = end;
  }
}

/** Lets promises that are settled already run their continuations. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 20; i += 1) {
    await Promise.resolve();
  }
}

export class FakeSocket {
  static made: FakeSocket[] = [];

  readonly url: URL;
  readonly protocols: string[];
  readonly sent: unknown[] = [];
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  closedByPage = false;

  constructor(url: URL, protocols: string[]) {
    this.url = url;
    this.protocols = protocols;
    FakeSocket.made.push(this);
  }

  static readonly create = (url: URL, protocols: string[]): WebSocket =>
    new FakeSocket(url, protocols) as unknown as WebSocket;

  static get last(): FakeSocket {
    const socket = FakeSocket.made.at(-1);
    if (socket === undefined) {
      throw new Error('no socket was made');
    }

    return socket;
  }

  send(data: string): void {
    this.sent.push(JSON.parse(data));
  }

  close(): void {
    this.closedByPage = true;
  }

  serverSends(message: ServerMessage | ViewEvent): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }

  serverCloses(code: number): void {
    this.onclose?.({ code });
  }
}

export const EXAM: ExamInfo = {
  namespace: 'default',
  name: 'finals',
  title: 'Finals',
  startsAt: 0,
  endsAt: 0,
  now: 1_000_000,
};

export function admission(exam: Partial<ExamInfo> = {}): JoinResponse {
  return {
    token: 'session-token',
    expiresAt: 9_000_000,
    student: { id: 's1', name: 'Ada' },
    exam: { ...EXAM, ...exam },
    shard: 'sfu-0',
    policy: {
      version: '1',
      reportIntervalMs: 2_500,
      violations: [
        { type: 'FocusLost', severity: 'medium', weight: 5, ttlMs: 20_000, mustLastMs: 1_000 },
        { type: 'CameraBlackout', severity: 'high', weight: 10, ttlMs: 15_000, mustLastMs: 2_000 },
      ],
    },
    iceServers: null,
  };
}

export function notice(exam: Partial<ExamInfo> = {}): Notice {
  const { policy, student } = admission();

  return { student, exam: { ...EXAM, ...exam }, policy, evidence: { retentionMs: 2_592_000_000, pictureEveryMs: 120_000 } };
}

export function json(body: unknown, status = 200, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(body), { status, headers });
}

export class FakePeer extends EventTarget {
  static made: FakePeer[] = [];
  iceGatheringState = 'complete';
  connectionState = 'new';
  onconnectionstatechange: (() => void) | null = null;
  localDescription = { sdp: 'offer' };
  closed = false;
  answer: unknown = null;
  track: unknown = null;
  init: RTCRtpTransceiverInit = {};
  /** What was set, in order. */
  sent: RTCRtpEncodingParameters[][] = [];
  sender = {
    getParameters: () => structuredClone({ encodings: this.init.sendEncodings ?? [] }),
    setParameters: ({ encodings }: RTCRtpSendParameters) => {
      this.sent.push(encodings);

      return Promise.resolve();
    },
    replaceTrack: (track: unknown) => {
      this.track = track;

      return Promise.resolve();
    },
  };

  static get last(): FakePeer {
    const peer = FakePeer.made.at(-1);
    if (peer === undefined) {
      throw new Error('no peer was made');
    }

    return peer;
  }

  constructor() {
    super();
    FakePeer.made.push(this);
  }

  addTransceiver(track: unknown, init: RTCRtpTransceiverInit) {
    this.track = track;
    this.init = init;

    return { sender: this.sender };
  }

  createOffer = () => Promise.resolve({ type: 'offer', sdp: 'offer' });
  setLocalDescription = () => Promise.resolve();

  setRemoteDescription(answer: unknown) {
    this.answer = answer;

    return Promise.resolve();
  }

  close() {
    this.closed = true;
  }

  /** What getStats() tells, as its entries. */
  stats: Record<string, unknown>[] = [];
  getStats = () => Promise.resolve(this.stats);

  becomes(state: string) {
    this.connectionState = state;
    this.onconnectionstatechange?.();
  }
}
