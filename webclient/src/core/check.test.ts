import { describe, expect, it } from 'vitest';

import { checksOf, entranceOf, type CheckInput } from './check';
import { noPath, PATH_UNKNOWN, type PathCheck } from './path-check';

const path = (legs: Partial<PathCheck['legs']>, rest: Partial<PathCheck> = {}): PathCheck => ({
  ...PATH_UNKNOWN, state: 'done', legs: { udp: 'ok', tcp: 'ok', turn: 'notOffered', ...legs }, ...rest,
});
const good: CheckInput = {
  camera: 'on', detector: { status: 'running', faces: 1, light: 'good' }, path: path({}),
};
const detector = (change: Partial<CheckInput['detector']>): CheckInput => ({ ...good, detector: { ...good.detector, ...change } });

describe('the checks', () => {
  it.each<[string, CheckInput, Partial<ReturnType<typeof checksOf>>]>([
    ['all good', good, { camera: 'ok', light: 'ok', face: 'ok', path: 'ok' }],
    ['nobody', detector({ faces: 0 }), { face: 'bad' }],
    ['two people', detector({ faces: 2 }), { face: 'bad' }],
    ['a dark room', detector({ light: 'dark' }), { light: 'bad' }],
    ['a window behind', detector({ light: 'bright' }), { light: 'bad' }],
    ['a model that loads', detector({ status: 'loading', faces: null, light: null }), { light: 'running', face: 'running' }],
    ['no model', detector({ status: 'off', faces: null, light: null }), { light: 'unknown', face: 'unknown' }],
    ['a model that sees light only', detector({ status: 'pictureOnly', faces: null }), { light: 'ok', face: 'unknown' }],
    ['a camera that ended', { ...good, camera: 'ended' }, { camera: 'bad', light: 'unknown', face: 'unknown' }],
    ['a path that is being tried', { ...good, path: { ...PATH_UNKNOWN, state: 'running' } }, { path: 'running' }],
    ['TCP only', { ...good, path: path({ udp: 'failed' }) }, { path: 'ok' }],
    ['no way', { ...good, path: path({ udp: 'failed', tcp: 'failed' }) }, { path: 'bad' }],
    ['a server that could not be asked', { ...good, path: path({ udp: 'failed', tcp: 'unknown', turn: 'unknown' }, { code: 'NoShardAvailable' }) }, { path: 'unknown' }],
  ])('%s', (_name, input, want) => {
    expect(checksOf(input)).toMatchObject(want);
  });
});

it.each<[string, CheckInput, ReturnType<typeof entranceOf>]>([
  ['all good', good, 'open'],
  ['nothing known', { camera: 'on', detector: { status: 'off', faces: null, light: null }, path: PATH_UNKNOWN }, 'open'],
  ['advice', detector({ faces: 0, light: 'dark' }), 'advised'],
  ['no way', { ...good, path: path({ udp: 'failed', tcp: 'failed', turn: 'failed' }) }, 'closed'],
])('the door: %s', (_name, input, want) => {
  expect(entranceOf(input)).toBe(want);
});

it('nothing offered at all is not proof of a bad network', () => {
  expect(noPath(path({ udp: 'notOffered', tcp: 'notOffered' }))).toBe(false);
});
