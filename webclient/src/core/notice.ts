// What the student has to know before agreeing to be watched, as it holds for
// them in this exam: asked of the server, so that the page never says more or
// less than what is done.

import { call } from './api-error';
import type { Notice } from './wire';

export interface NoticeOptions {
  fetcher: typeof fetch;
  base: string;
  token: string;
  now: () => number;
}

export interface Told {
  notice: Notice;
  /** The server's clock minus the page's. */
  clockOffsetMs: number;
}

export async function readNotice({ fetcher, base, token, now }: NoticeOptions): Promise<Told> {
  const sentAt = now();
  const answer = await call(
    fetcher,
    new URL('api/v1/notice', base),
    { headers: { Authorization: `Bearer ${token}` }, cache: 'no-store' },
    now,
  );
  // The server read its clock somewhere between the two moments.
  const middle = (sentAt + now()) / 2;
  const notice = (await answer.json()) as Notice;

  return { notice, clockOffsetMs: notice.exam.now - middle };
}
