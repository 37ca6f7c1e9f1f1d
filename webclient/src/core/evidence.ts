// One picture of each violation, for the people who decide: taken when the page
// notices it, sent once the server has counted it and said which number it has.
// The exam never waits for this; what cannot be sent in time is dropped and counted.

import { ApiError, call } from './api-error';
import { Backoff } from './backoff';
import type { Timers } from './timers';
import type { CountedViolation, ReportedViolation } from './wire';

export interface EvidenceOptions {
  /** api/v1/evidence below the page. */
  endpoint: URL;
  fetcher: typeof fetch;
  timers: Timers;
  random: () => number;
}

interface Picture {
  jpeg: Promise<Blob | null>;
  /** By the page's clock. */
  capturedAt: number;
}

interface Upload {
  violation: string;
  number: number;
  capturedAt: number;
  jpeg: Blob;
  /** After this the server takes it no more. */
  until: number;
  tries: number;
}

/** How long a picture waits for the server to count its violation. */
const COUNTED_WITHIN_MS = 60_000;
/** The server takes a picture within two minutes of the violation. */
const TAKEN_WITHIN_MS = 110_000;
/** Pictures in the queue, of at most 200 KiB each. */
const MAX_QUEUE = 16;
const MAX_TRIES = 6;

export class EvidenceUploader {
  /** Pictures that were given up, and those that the server has. */
  dropped = 0;
  sent = 0;

  private readonly options: EvidenceOptions;
  private readonly backoff: Backoff;
  private readonly pictures = new Map<string, Picture>();
  private queue: Upload[] = [];
  private token: string | null = null;
  private sending = false;
  private timer: number | null = null;

  constructor(options: EvidenceOptions) {
    this.options = options;
    this.backoff = new Backoff({ firstMs: 1_000, maxMs: 20_000, random: options.random });
  }

  /** Uploads with this token from now on. */
  start(token: string): void {
    this.token = token;
    this.next();
  }

  stop(): void {
    this.token = null;
    this.dropped += this.queue.length;
    this.queue = [];
    this.pictures.clear();
    if (this.timer !== null) {
      this.options.timers.clear(this.timer);
      this.timer = null;
    }
  }

  /** Violations are on their way to the server; picture gives the frame that shows them. */
  noticed(violations: readonly ReportedViolation[], picture: () => Promise<Blob | null>): void {
    if (violations.length === 0 || this.token === null) {
      return;
    }
    const taken: Picture = { jpeg: picture(), capturedAt: this.options.timers.now() };
    for (const { type } of violations) {
      this.pictures.set(type, taken);
    }
  }

  /** The server has counted one. */
  async counted({ type, number }: CountedViolation): Promise<void> {
    const picture = this.pictures.get(type);
    this.pictures.delete(type);
    const { timers } = this.options;
    // One that the server has noticed by itself has no picture of ours.
    if (picture === undefined || number === undefined || timers.now() - picture.capturedAt > COUNTED_WITHIN_MS) {
      return;
    }
    const { capturedAt } = picture;
    const until = timers.now() + TAKEN_WITHIN_MS;
    const jpeg = await picture.jpeg;
    if (jpeg === null || this.token === null) {
      return;
    }
    this.queue.push({ violation: type, number, capturedAt, jpeg, until, tries: 0 });
    if (this.queue.length > MAX_QUEUE) {
      // The newest still has time; the oldest has had its chance.
      this.queue.shift();
      this.dropped += 1;
    }
    this.next();
  }

  private next(): void {
    const [upload] = this.queue;
    if (upload !== undefined && this.token !== null && !this.sending && this.timer === null) {
      void this.send(upload, this.token);
    }
  }

  private async send(upload: Upload, token: string): Promise<void> {
    const { endpoint, fetcher, timers } = this.options;
    this.sending = true;
    upload.tries += 1;
    const url = new URL(endpoint);
    url.searchParams.set('violation', upload.violation);
    url.searchParams.set('number', String(upload.number));
    url.searchParams.set('capturedAt', String(upload.capturedAt));
    try {
      await call(
        fetcher,
        url,
        {
          method: 'POST',
          headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'image/jpeg' },
          body: upload.jpeg,
        },
        () => timers.now(),
      );
      this.sent += 1;
      this.backoff.reset();
      this.remove(upload);
    } catch (cause) {
      this.refused(upload, cause instanceof ApiError ? cause : new ApiError('Internal', String(cause)));
    } finally {
      this.sending = false;
    }
    this.next();
  }

  private refused(upload: Upload, error: ApiError): void {
    const { timers } = this.options;
    if (error.code === 'NotFound') {
      // Nothing is kept of this exam: not now and not later.
      this.stop();

      return;
    }
    // A token that has expired is renewed by whoever calls start.
    const again = error.transient || error.status === 401;
    const wait = this.backoff.next(error.retryAfterMs);
    if (!again || upload.tries >= MAX_TRIES || timers.now() + wait > upload.until) {
      this.remove(upload);
      this.dropped += 1;
    }
    if (again && this.token !== null) {
      this.timer = timers.set(() => {
        this.timer = null;
        this.next();
      }, wait);
    }
  }

  /** stop() or a newer picture may have removed it before. */
  private remove(upload: Upload): void {
    this.queue = this.queue.filter((other) => other !== upload);
  }
}
