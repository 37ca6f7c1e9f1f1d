// What a call to the exam's server can fail with: a code of docs/protocol.md, or
// one of the page's own when no answer with a code arrived.

export class ApiError extends Error {
  readonly code: string;
  readonly status: number;
  readonly retryAfterMs: number;

  constructor(code: string, message: string, status = 0, retryAfterMs = 0) {
    super(message);
    this.name = 'ApiError';
    this.code = code;
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }

  /** Whether the same request may succeed later without anybody acting. */
  get transient(): boolean {
    return this.code === 'Network' || this.status === 429 || this.status >= 500;
  }
}

/** Retry-After in milliseconds: seconds or an HTTP date (RFC 9110, 10.2.3). */
export function retryAfter(value: string | null, now: number): number {
  if (value === null || value.trim() === '') {
    return 0;
  }
  const seconds = Number(value);
  const ms = Number.isNaN(seconds) ? Date.parse(value) - now : seconds * 1000;

  return Number.isFinite(ms) && ms > 0 ? ms : 0;
}

/** Reads an answer that is no success. A proxy's page instead of ours has no code. */
export async function errorOf(response: Response, now: number): Promise<ApiError> {
  let code = response.status >= 500 ? 'Internal' : 'BadRequest';
  let message = `The server answered with status ${String(response.status)}.`;
  try {
    const body: unknown = await response.json();
    if (typeof body === 'object' && body !== null) {
      if ('code' in body && typeof body.code === 'string') {
        code = body.code;
      }
      if ('message' in body && typeof body.message === 'string') {
        message = body.message;
      }
    }
  } catch {
    // Not JSON: the status says enough.
  }

  return new ApiError(code, message, response.status, retryAfter(response.headers.get('Retry-After'), now));
}

/** fetch that fails with an ApiError only. */
export async function call(
  fetcher: typeof fetch,
  url: string | URL,
  init: RequestInit,
  now: () => number,
): Promise<Response> {
  let response: Response;
  try {
    response = await fetcher(url, init);
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === 'AbortError') {
      throw cause;
    }
    throw new ApiError('Network', 'The server could not be reached.');
  }
  if (!response.ok) {
    throw await errorOf(response, now());
  }

  return response;
}
