import { beforeEach, expect, it } from 'vitest';

import { ApiError } from '../api-error';
import { FakeTimers, settled } from '../testing';
import { Pictures } from './pictures';

let asked: { sha256: string; give: () => void; fail: (code: string) => void }[];
let urls: string[];
let pictures: Pictures;
let timers: FakeTimers;

beforeEach(() => {
  asked = [];
  urls = [];
  timers = new FakeTimers();
  pictures = new Pictures({
    timers,
    source: {
      picture: (sha256) =>
        new Promise((resolve, reject) => {
          asked.push({
            sha256,
            give: () => { resolve(new Blob([sha256])); },
            fail: (code) => { reject(new ApiError(code, '')); },
          });
        }),
    },
    urls: {
      make: () => {
        urls.push(`blob:${String(urls.length)}`);

        return urls.at(-1) ?? '';
      },
      revoke: (url) => { urls = urls.filter((of) => of !== url); },
    },
  });
});

const show = (sha256: string) => pictures.subscribe(sha256, () => undefined);

it('fetches once for all who show it, and revokes with the last', async () => {
  const stops = [show('a'), show('a')];
  asked[0]?.give();
  await settled();
  expect(asked).toHaveLength(1);
  expect(pictures.getState('a')).toEqual({ is: 'shown', url: 'blob:0' });
  stops[0]?.();
  expect(urls).toHaveLength(1);
  stops[1]?.();
  expect(urls).toHaveLength(0);
});

it('makes no URL for what nobody shows any more', async () => {
  const stop = show('a');
  stop();
  show('a');
  asked[0]?.give();
  await settled();
  expect(urls).toHaveLength(0);
  asked[1]?.give();
  await settled();
  expect(urls).toHaveLength(1);
});

it('fetches four at a time, and none that was let go of', async () => {
  const stops = ['a', 'b', 'c', 'd', 'e', 'f'].map(show);
  expect(asked.map(({ sha256 }) => sha256)).toEqual(['a', 'b', 'c', 'd']);
  stops[4]?.();
  asked[0]?.give();
  await settled();
  expect(asked.map(({ sha256 }) => sha256)).toEqual(['a', 'b', 'c', 'd', 'f']);
});

it('tells gone from failed, and tries only that again', async () => {
  show('a');
  show('b');
  asked[0]?.fail('NotFound');
  asked[1]?.fail('NotReady');
  await settled();
  expect(pictures.getState('a')).toEqual({ is: 'gone' });
  expect(pictures.getState('b')).toEqual({ is: 'failed', code: 'NotReady' });
  pictures.again('a');
  pictures.again('b');
  expect(asked).toHaveLength(3);
  asked[2]?.give();
  await settled();
  expect(pictures.getState('b').is).toBe('shown');
});

it('waits where the server has been asked for too many, and lets nobody pass', async () => {
  const stops = ['a', 'b', 'c', 'd', 'e'].map(show);
  for (const { fail } of asked.slice(0, 4)) {
    fail('RateLimited');
  }
  await settled();
  expect(asked).toHaveLength(4);
  stops[1]?.();
  timers.advance(1_000);
  await settled();
  expect(asked.slice(4).map(({ sha256 }) => sha256).sort()).toEqual(['a', 'c', 'd', 'e']);
  asked[4]?.give();
  await settled();
  expect(urls).toHaveLength(1);
});
