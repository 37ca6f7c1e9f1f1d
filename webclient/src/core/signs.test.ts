import { beforeEach, describe, expect, it } from 'vitest';

import { Darkness, meanLuminance, observationOf, Signs, type PageView } from './signs';
import type { ViolationRule } from './wire';

const rule: ViolationRule = { type: 'FocusLost', severity: 'medium', weight: 5, ttlMs: 20_000, mustLastMs: 1_000 };
const lost = { FocusLost: true };
const fine = { FocusLost: false };

let signs: Signs;

beforeEach(() => {
  signs = new Signs([rule]);
});

/** Observes every 250 ms from one time up to and with another. */
function from(start: number, end: number, observed: Record<string, boolean>) {
  const found = [];
  for (let now = start; now <= end; now += 250) {
    found.push(...signs.observe(now, observed).map((violation) => ({ now, ...violation })));
  }

  return found;
}

describe('must last', () => {
  it('reports when the sign has lasted, and when it began', () => {
    expect(from(0, 750, lost)).toEqual([]);
    expect(signs.observe(1_000, lost)).toEqual([{ type: 'FocusLost', at: 0, lastedMs: 1_000 }]);
  });

  it('does not add up what was interrupted', () => {
    from(0, 750, lost);
    from(1_000, 1_500, fine);
    expect(from(1_750, 2_500, lost)).toEqual([]);
    expect(from(2_750, 2_750, lost)).toHaveLength(1);
  });

  it('0 reports at once', () => {
    signs.setRules([{ ...rule, mustLastMs: 0 }]);
    expect(signs.observe(7, lost)).toHaveLength(1);
  });
});

describe('hysteresis', () => {
  it('a short lapse does not end a sign', () => {
    from(0, 500, lost);
    signs.observe(750, fine);
    expect(signs.observe(1_000, lost)).toEqual([{ type: 'FocusLost', at: 0, lastedMs: 1_000 }]);
  });

  it('what cannot be told ends a sign as if it were gone', () => {
    from(0, 500, lost);
    from(750, 1_000, {});
    expect(signs.observe(1_250, lost)).toEqual([]);
  });

  it('a picture is black below 20 and light again only from 28', () => {
    const darkness = new Darkness();
    expect([25, 19, 25, 27.9, 28, 25].map((luma) => darkness.observe(luma))).toEqual([
      false, true, true, true, false, false,
    ]);
  });
});

describe('local TTL', () => {
  it('reports once per TTL while the sign goes on', () => {
    expect(from(0, 45_000, lost).map(({ now, lastedMs }) => [now, lastedMs])).toEqual([
      [1_000, 1_000],
      [21_500, 21_500],
      [42_000, 42_000],
    ]);
  });

  it('holds across separate signs', () => {
    from(0, 1_000, lost);
    from(1_250, 3_000, fine);
    expect(from(3_250, 21_250, lost)).toEqual([]);
    expect(from(21_500, 21_500, lost)).toMatchObject([{ at: 3_250 }]);
  });

  it('is per type', () => {
    signs.setRules([rule, { ...rule, type: 'CameraBlackout', mustLastMs: 2_000 }]);
    const found = from(0, 2_000, { FocusLost: true, CameraBlackout: true });
    expect(found.map(({ now, type }) => [now, type])).toEqual([
      [1_000, 'FocusLost'],
      [2_000, 'CameraBlackout'],
    ]);
  });

  it('outlives an interruption, the sign itself does not', () => {
    from(0, 750, lost);
    signs.interrupt();
    expect(signs.observe(1_000, lost)).toEqual([]);
    expect(from(1_250, 2_000, lost)).toHaveLength(1);
    signs.interrupt();
    expect(from(2_250, 20_000, lost)).toEqual([]);
  });
});

it('ignores types that the policy does not know', () => {
  expect(from(0, 5_000, { Juggling: true })).toEqual([]);
});

describe('a view of the page', () => {
  const view: PageView = { visible: true, focused: true, cameraMuted: false, luminance: 120 };

  it.each<[string, Partial<PageView>, object]>([
    ['all well', {}, { FocusLost: false, CameraBlackout: false }],
    ['hidden', { visible: false }, { FocusLost: true, CameraBlackout: false }],
    ['not in front', { focused: false }, { FocusLost: true, CameraBlackout: false }],
    ['black', { luminance: 3 }, { FocusLost: false, CameraBlackout: true }],
    ['muted, whatever the last picture was', { cameraMuted: true }, { FocusLost: false, CameraBlackout: true }],
    ['no fresh picture', { luminance: null }, { FocusLost: false }],
  ])('%s', (_name, change, want) => {
    expect(observationOf({ ...view, ...change }, new Darkness())).toEqual(want);
  });
});

it('mean luma weighs the colours as the eye does', () => {
  expect(meanLuminance(new Uint8ClampedArray([255, 255, 255, 255, 0, 0, 0, 255]))).toBeCloseTo(127.5);
  expect(meanLuminance(new Uint8ClampedArray([0, 255, 0, 255]))).toBeCloseTo(182.4, 1);
  expect(meanLuminance(new Uint8ClampedArray([]))).toBe(0);
});
