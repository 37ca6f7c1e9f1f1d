// What a small grey copy of the picture tells without a model: light, contrast,
// sharpness, and whether it is the same picture as before.

/** Luma, 0 to 255, row by row. */
export interface Raster {
  width: number;
  height: number;
  luma: Float32Array;
}

/** The size that thresholds are made for; 16:9, as most cameras. */
export const RASTER_WIDTH = 160;
export const RASTER_HEIGHT = 90;

export interface PictureMeasures {
  /** Mean luma (BT.709), 0 to 255. */
  luminance: number;
  /** Standard deviation of the luma, 0 to 127.5. */
  contrast: number;
  /** Variance of the Laplacian: fine detail, 0 for a uniform picture. */
  sharpness: number;
  /** Mean absolute difference to the picture before, 0 to 255; null for the first. */
  difference: number | null;
}

const RED = 0.2126;
const GREEN = 0.7152;
const BLUE = 0.0722;

/** The luma of RGBA pixels. */
export function rasterOf(rgba: Uint8ClampedArray, width: number, height: number): Raster {
  const luma = new Float32Array(width * height);
  for (let i = 0; i < luma.length; i += 1) {
    luma[i] = RED * (rgba[4 * i] ?? 0) + GREEN * (rgba[4 * i + 1] ?? 0) + BLUE * (rgba[4 * i + 2] ?? 0);
  }

  return { width, height, luma };
}

export function measurePicture(raster: Raster, before: Raster | null): PictureMeasures {
  const { mean, variance } = spread(raster.luma);

  return {
    luminance: mean,
    contrast: Math.sqrt(variance),
    sharpness: spread(laplacian(raster)).variance,
    difference: before === null ? null : difference(raster, before),
  };
}

function spread(values: Float32Array): { mean: number; variance: number } {
  if (values.length === 0) {
    return { mean: 0, variance: 0 };
  }
  let sum = 0;
  for (const value of values) {
    sum += value;
  }
  const mean = sum / values.length;
  let squares = 0;
  for (const value of values) {
    squares += (value - mean) ** 2;
  }

  return { mean, variance: squares / values.length };
}

/** Of no interest for sharpness: clocks and names that cameras print there are always sharp. */
const BORDER = 5;

/** Each pixel against its four neighbours. */
function laplacian({ width, height, luma }: Raster): Float32Array {
  const result = new Float32Array(Math.max(0, width - 2 * BORDER) * Math.max(0, height - 2 * BORDER));
  let next = 0;
  for (let y = BORDER; y < height - BORDER; y += 1) {
    for (let x = BORDER; x < width - BORDER; x += 1) {
      const i = y * width + x;
      result[next] =
        (luma[i - 1] ?? 0) + (luma[i + 1] ?? 0) + (luma[i - width] ?? 0) + (luma[i + width] ?? 0) - 4 * (luma[i] ?? 0);
      next += 1;
    }
  }

  return result;
}

/** null when the sizes differ: the camera was turned or changed. */
function difference(now: Raster, before: Raster): number | null {
  if (now.width !== before.width || now.height !== before.height || now.luma.length === 0) {
    return null;
  }
  let sum = 0;
  for (let i = 0; i < now.luma.length; i += 1) {
    sum += Math.abs((now.luma[i] ?? 0) - (before.luma[i] ?? 0));
  }

  return sum / now.luma.length;
}
