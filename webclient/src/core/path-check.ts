// Whether the camera will reach its SFU, and by which leg: one WHIP session per
// leg, with a sender that has no track, so that no picture leaves the device. The
// answer's candidates of the other legs are taken out before it is applied: a
// connection that chooses for itself would tell of one leg only, and stops asking
// the others once it has one.

import { ApiError } from './api-error';
import type { Timers } from './timers';
import { preferVP8 } from './vp8';
import { end, iceServersOf, offer, type WhipCall } from './whip-call';
import type { IceServer } from './wire';

export const LEGS = ['udp', 'tcp', 'turn'] as const;

export type Leg = (typeof LEGS)[number];

/** notOffered: the exam's server has no such way in. */
export type LegResult = 'unknown' | 'ok' | 'failed' | 'notOffered';

export interface PathCheck {
  state: 'none' | 'running' | 'done';
  legs: Record<Leg, LegResult>;
  /** Where media would go, for the helpdesk: "UDP 203.0.113.7:30001". */
  targets: string[];
  /** Why the check itself could not be done; it says nothing of the path then. */
  code: string | null;
}

export const PATH_UNKNOWN: PathCheck = {
  state: 'none',
  legs: { udp: 'unknown', tcp: 'unknown', turn: 'unknown' },
  targets: [],
  code: null,
};

/** No leg works. A check that could not be done proves nothing. */
export function noPath({ state, legs, code }: PathCheck): boolean {
  const results = LEGS.map((leg) => legs[leg]);

  return (
    state === 'done' &&
    code === null &&
    results.includes('failed') &&
    results.every((result) => result === 'failed' || result === 'notOffered')
  );
}

export interface PathCheckOptions extends WhipCall {
  createPeer: (config: RTCConfiguration) => RTCPeerConnection;
  onChange: (check: PathCheck) => void;
}

/** From the answer to connected. A slow mobile network needs two of these seconds. */
const LEG_MS = 6_000;

/** One run; stopping it leaves nothing behind at the server. */
interface Run {
  abort: AbortController;
  token: string;
}

export class PathChecker {
  private readonly options: PathCheckOptions;
  private run: Run | null = null;
  private check: PathCheck = PATH_UNKNOWN;

  constructor(options: PathCheckOptions) {
    this.options = options;
  }

  start(token: string, iceServers: readonly IceServer[]): void {
    this.stop();
    const run: Run = { abort: new AbortController(), token };
    this.run = run;
    this.tell({ ...PATH_UNKNOWN, state: 'running' });
    void this.go(run, iceServers);
  }

  /** Gives the check up: the student enters, or leaves. */
  stop(): void {
    this.run?.abort.abort();
    this.run = null;
  }

  private async go(run: Run, iceServers: readonly IceServer[]): Promise<void> {
    let code: string | null = null;
    for (const leg of LEGS) {
      try {
        const result = await this.leg(run, leg, iceServers);
        if (this.run === run) {
          this.tell({ ...this.check, legs: { ...this.check.legs, [leg]: result } });
        }
      } catch (cause) {
        // The server, not the path: the next leg would be told the same.
        code = cause instanceof ApiError ? cause.code : 'MediaLost';
        break;
      }
      if (this.run !== run) {
        return;
      }
    }
    if (this.run === run) {
      this.run = null;
      this.tell({ ...this.check, state: 'done', code });
    }
  }

  private async leg(run: Run, leg: Leg, iceServers: readonly IceServer[]): Promise<LegResult> {
    const turns = iceServers.filter(({ urls }) => urls.some((url) => /^turns?:/i.test(url)));
    if (leg === 'turn' && turns.length === 0) {
      return 'notOffered';
    }
    const { createPeer, timers } = this.options;
    const peer = createPeer(leg === 'turn' ? { iceServers: iceServersOf(turns), iceTransportPolicy: 'relay' } : {});
    const session: { resource: URL | null } = { resource: null };
    try {
      preferVP8(peer.addTransceiver('video', { direction: 'sendonly' }), 'RTCRtpSender');
      const answer = await offer(peer, this.options, run.token, run.abort.signal, (created) => {
        session.resource = created;
      });
      // A relay reaches the SFU by UDP.
      const only = onlyTransport(answer, leg === 'tcp' ? 'tcp' : 'udp');
      if (only.targets.length === 0) {
        return 'notOffered';
      }
      this.aim(leg, only.targets);
      await peer.setRemoteDescription({ type: 'answer', sdp: only.sdp });

      return (await connects(peer, timers, run.abort.signal)) && (await goesBy(peer, leg)) ? 'ok' : 'failed';
    } finally {
      if (session.resource !== null) {
        // Before closing, which ends the session too. Waited for: the next leg's
        // session would pass for a take-over of this one.
        await end(this.options, session.resource, run.token);
      }
      peer.close();
    }
  }

  private aim(leg: Leg, targets: readonly string[]): void {
    if (leg !== 'turn') {
      const named = targets.map((target) => `${leg.toUpperCase()} ${target}`);
      this.check = { ...this.check, targets: [...this.check.targets, ...named] };
    }
  }

  private tell(check: PathCheck): void {
    this.check = check;
    this.options.onChange(check);
  }
}

// a=candidate:<foundation> <component> <transport> <priority> <address> <port> ...
const CANDIDATE = /^a=candidate:\S+ \d+ (\S+) \d+ (\S+) (\d+) /i;

/** The answer with candidates of one transport only, and where these lead. */
export function onlyTransport(sdp: string, transport: 'udp' | 'tcp'): { sdp: string; targets: string[] } {
  const targets = new Set<string>();
  const lines = sdp.split('\r\n').filter((line) => {
    const found = CANDIDATE.exec(line);
    if (found === null) {
      return true;
    }
    const [, protocol = '', address = '', port = ''] = found;
    if (protocol.toLowerCase() !== transport) {
      return false;
    }
    targets.add(address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`);

    return true;
  });

  return { sdp: lines.join('\r\n'), targets: [...targets] };
}

function connects(peer: RTCPeerConnection, timers: Timers, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const done = (connected: boolean) => {
      timers.clear(timer);
      peer.onconnectionstatechange = null;
      signal.removeEventListener('abort', gaveUp);
      resolve(connected);
    };
    const gaveUp = () => {
      done(false);
    };
    const changed = () => {
      if (peer.connectionState === 'connected') {
        done(true);
      } else if (peer.connectionState === 'failed' || peer.connectionState === 'closed') {
        done(false);
      }
    };
    const timer = timers.set(gaveUp, LEG_MS);
    signal.addEventListener('abort', gaveUp);
    peer.onconnectionstatechange = changed;
    changed();
    if (signal.aborted) {
      gaveUp();
    }
  });
}

/** What the browser says of the pair that carries the connection. */
async function goesBy(peer: RTCPeerConnection, leg: Leg): Promise<boolean> {
  const stats = await peer.getStats();
  const all: Record<string, unknown>[] = [];
  stats.forEach((entry: Record<string, unknown>) => all.push(entry));
  const pair = all.find(({ type, state, nominated }) => type === 'candidate-pair' && state === 'succeeded' && nominated === true);
  const local = all.find(({ id }) => pair !== undefined && id === pair['localCandidateId']);
  if (local === undefined) {
    // Connected all the same; not every browser tells by what.
    return true;
  }

  return leg === 'turn' ? local['candidateType'] === 'relay' : local['protocol'] === leg;
}
