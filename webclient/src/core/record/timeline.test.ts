import { expect, it } from 'vitest';

import type { RecordEntry } from '../wire-invigilator';
import { action, check, state, violation } from './testing';
import { picturesOf, timeline, violationsOf } from './timeline';

const one = (...entries: RecordEntry[]) => violationsOf(timeline(entries))[0];

it('puts the pictures of a violation beside it, wherever they are in the record', () => {
  const item = one(check(1, 90, 'upload', 'v-FocusLost-2'), violation(2, 100), check(3, 110, 'violation', 'v-FocusLost-2'));
  expect(item?.client).toEqual({ is: 'picture', picture: { sha256: 'upload1', source: 'client', capturedAt: 90 } });
  expect(item?.server).toMatchObject({ is: 'picture', picture: { sha256: 'violation3' } });
});

it('says why there is no picture, and when nothing was tried', () => {
  const item = one(violation(1, 100), check(2, 110, 'violation', 'v-FocusLost-1', 'NotReceived'));
  expect(item?.server).toEqual({ is: 'failed', result: 'NotReceived' });
  expect(item?.client).toEqual({ is: 'absent' });
});

it('a dismissal stands at its violation and is an action of its own', () => {
  const items = timeline([violation(1, 100), action(2, 200, { kind: 'dismiss', of: 'v-FocusLost-1', reason: 'a bird' })]);
  expect(items.map(({ is }) => is)).toEqual(['action', 'violation']);
  expect(violationsOf(items)[0]?.dismissed).toEqual({ at: 200, by: 'inv/1', reason: 'a bird' });
  expect(items[0]).toMatchObject({ about: { type: 'FocusLost' } });
});

it('nothing else that is about a violation dismisses it', () => {
  expect(one(violation(1, 100), action(2, 200, { kind: 'warn', of: 'v-FocusLost-1' }))?.dismissed).toBeNull();
});

it('is newest first, and of one moment the later record', () => {
  const items = timeline([state(1, 50, 'Enrolled', 'Joined'), violation(2, 100), action(3, 100), violation(4, 70, { number: 9 })]);
  expect(items.map(({ seq }) => seq)).toEqual([3, 2, 4, 1]);
});

it.each([
  ['a random picture', check(1, 10, 'random'), 'look'],
  ['a picture whose violation is not there', check(1, 10, 'upload', 'v-Speaking-1'), 'look'],
  ['a dismissal whose violation is not there', action(1, 10, { kind: 'dismiss', of: 'v-Speaking-1' }), 'action'],
  ['an observation', { seq: 1, id: 'o', at: 10, kind: 'observation', observation: { type: 'StreamLost' } } as const, 'observation'],
])('%s is an item of its own', (_name, entry, is) => {
  expect(timeline([entry]).map((item) => item.is)).toEqual([is]);
});

it('a kind from a newer server is left out', () => {
  expect(timeline([{ seq: 1, id: 'x', at: 1, kind: 'omen' as 'state' }])).toEqual([]);
});

it('names each picture that is still kept once', () => {
  const expired = check(4, 40, 'random');
  expired.pictures = expired.pictures?.map((picture) => ({ ...picture, expired: true })) ?? [];
  const entries = [violation(1, 10), check(2, 20, 'upload', 'v-FocusLost-1'), check(3, 30, 'random'), expired];
  expect(picturesOf(timeline(entries)).sort()).toEqual(['random3', 'upload2']);
});
