import { describe, expect, it } from 'vitest';

import { measurePicture, RASTER_HEIGHT, RASTER_WIDTH, rasterOf, type Raster } from './picture';
import { PictureQuality } from './quality';
import { measuresOf, seeded } from './testing';
import { DEFAULT_THRESHOLDS } from './thresholds';

function raster(luma: (x: number, y: number) => number): Raster {
  const values = new Float32Array(RASTER_WIDTH * RASTER_HEIGHT);
  for (let i = 0; i < values.length; i += 1) {
    values[i] = luma(i % RASTER_WIDTH, Math.floor(i / RASTER_WIDTH));
  }

  return { width: RASTER_WIDTH, height: RASTER_HEIGHT, luma: values };
}

it('a uniform picture has light and nothing else', () => {
  expect(measurePicture(raster(() => 77), null)).toEqual({ luminance: 77, contrast: 0, sharpness: 0, difference: null });
});

it('luma weighs the colours as the eye does', () => {
  const { luma } = rasterOf(new Uint8ClampedArray([255, 0, 0, 255, 0, 255, 0, 255, 0, 0, 255, 255]), 3, 1);
  expect([...luma].map((value) => Math.round(value))).toEqual([54, 182, 18]);
});

it('contrast is the spread of light, sharpness that of detail', () => {
  const checks = measurePicture(raster((x, y) => ((x + y) % 2) * 100), null);
  expect(checks.contrast).toBeCloseTo(50);
  const slope = measurePicture(raster((x) => x), null);
  expect(slope.contrast).toBeGreaterThan(40);
  expect(slope.sharpness).toBeCloseTo(0);
  expect(checks.sharpness).toBeGreaterThan(10_000);
});

it('blur takes sharpness, not light', () => {
  const random = seeded(1);
  const noise = raster(() => 255 * random());
  const blurred = raster((x, y) => {
    let sum = 0;
    for (let dx = 0; dx < 4; dx += 1) {
      sum += noise.luma[y * RASTER_WIDTH + Math.min(x + dx, RASTER_WIDTH - 1)] ?? 0;
    }

    return sum / 4;
  });
  const [sharp, soft] = [measurePicture(noise, null), measurePicture(blurred, null)];
  expect(soft.sharpness).toBeLessThan(sharp.sharpness / 3);
  expect(soft.luminance).toBeCloseTo(sharp.luminance, -1);
});

it('the same picture has no difference, another size none to tell', () => {
  const picture = raster((x, y) => x + y);
  expect(measurePicture(picture, picture).difference).toBe(0);
  expect(measurePicture(picture, raster((x, y) => x + y + 2)).difference).toBeCloseTo(2);
  expect(measurePicture(picture, { width: 1, height: 1, luma: new Float32Array(1) }).difference).toBeNull();
});

describe('quality', () => {
  const poor = (change: object, frames = 2, stepMs = 200) => {
    const quality = new PictureQuality(DEFAULT_THRESHOLDS);
    let result = false;
    for (let i = 0; i < frames; i += 1) {
      result = quality.observe(i * stepMs, measuresOf(0, null, change).picture);
    }

    return { result, light: quality.light };
  };

  it.each([
    ['good', {}, false, 'good'],
    ['dark', { luminance: 30 }, true, 'dark'],
    ['bright', { luminance: 240 }, true, 'bright'],
    ['flat', { contrast: 5 }, true, 'good'],
    ['blurred', { sharpness: 1 }, true, 'good'],
  ])('%s', (_name, change, result, light) => {
    expect(poor(change)).toEqual({ result, light });
  });

  it('a picture is frozen only after a long time without any noise', () => {
    expect(poor({ difference: 0 }, 100).result).toBe(false);
    expect(poor({ difference: 0 }, 102).result).toBe(true);
    expect(poor({ difference: 0.05 }, 3_000).result).toBe(false);
  });

  it('one fresh picture ends it', () => {
    const quality = new PictureQuality(DEFAULT_THRESHOLDS);
    const at = (time: number, difference: number | null) =>
      quality.observe(time, { ...measuresOf(0, null).picture, difference });
    at(0, 0);
    expect(at(20_000, 0)).toBe(true);
    expect(at(20_200, 0.5)).toBe(false);
    expect(at(20_400, 0)).toBe(false);
  });
});
