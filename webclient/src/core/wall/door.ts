// What the invigilators' pages ask the exam's server (docs/protocol.md,
// Invigilators). Every call fails with an ApiError only; one that the token is to
// blame for tells its keeper, so that the page can say what to do.

import { ApiError, call } from '../api-error';
import { Backoff } from '../backoff';
import type { Timers } from '../timers';
import type { Action, ActionRequest, SessionRecord, TakenAction, WallConfig } from '../wire-invigilator';
import type { TokenKeeper } from './token';

export interface Door {
  config(): Promise<WallConfig>;
  /**
   * Done once, however often the network has it repeated: the door gives the
   * action its id. What it fails with after that says that it was not done, but for
   * Network and Internal, which do not know.
   */
  act(student: string, action: ActionRequest): Promise<TakenAction>;
  /** The entries with a seq above after; 0: from the first. */
  record(student: string, after?: number): Promise<SessionRecord>;
  /** NotFound: it was never kept, or has been deleted when its time had come. */
  picture(sha256: string): Promise<Blob>;
}

export interface HttpDoorOptions {
  fetcher: typeof fetch;
  /** The exam's page, which calls are relative to. */
  base: string;
  keeper: TokenKeeper;
  timers: Timers;
  random: () => number;
  /** A new id for each action. */
  randomId: () => string;
}

/** How often an action is sent before the person is told that it may not have arrived. */
const ACT_TRIES = 4;
/** The server's word is followed, within a person's patience. */
const MAX_WAIT_MS = 5_000;

export class HttpDoor implements Door {
  private readonly options: HttpDoorOptions;

  constructor(options: HttpDoorOptions) {
    this.options = options;
  }

  async config(): Promise<WallConfig> {
    return (await (await this.ask('api/v1/wall')).json()) as WallConfig;
  }

  async act(student: string, request: ActionRequest): Promise<TakenAction> {
    const { random, randomId } = this.options;
    const action: Action = { ...request, id: randomId() };
    const init = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(action) };
    const backoff = new Backoff({ firstMs: 500, maxMs: MAX_WAIT_MS, random });
    for (let tries = 1; ; tries += 1) {
      try {
        const answer = await this.ask(`api/v1/sessions/${encodeURIComponent(student)}/actions`, init);

        return (await answer.json()) as TakenAction;
      } catch (error) {
        if (!(error instanceof ApiError) || !error.transient || tries === ACT_TRIES) {
          throw error;
        }
        await this.wait(backoff.next(Math.min(error.retryAfterMs, MAX_WAIT_MS)));
      }
    }
  }

  async record(student: string, after = 0): Promise<SessionRecord> {
    const path = `api/v1/sessions/${encodeURIComponent(student)}/record?after=${String(after)}`;

    return (await (await this.ask(path)).json()) as SessionRecord;
  }

  async picture(sha256: string): Promise<Blob> {
    // Named by what is in it, so it never changes: the browser may keep it.
    return (await this.ask(`api/v1/pictures/${encodeURIComponent(sha256)}`, { cache: 'default' })).blob();
  }

  private async ask(path: string, init: RequestInit = {}): Promise<Response> {
    const { base, fetcher, keeper, timers } = this.options;
    const { token } = keeper;
    if (token === null) {
      throw new ApiError('TokenExpired', 'There is no token that the server accepts.', 401);
    }
    const headers = { ...(init.headers as Record<string, string> | undefined), Authorization: `Bearer ${token}` };
    try {
      return await call(fetcher, new URL(path, base), { cache: 'no-store', ...init, headers }, () => timers.now());
    } catch (error) {
      if (error instanceof ApiError && blamesToken(error)) {
        keeper.rejected(token, error.code);
      }
      throw error;
    }
  }

  private wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.options.timers.set(resolve, ms);
    });
  }
}

function blamesToken({ status, code }: ApiError): boolean {
  return status === 401 || code === 'WrongExam' || code === 'Forbidden';
}
