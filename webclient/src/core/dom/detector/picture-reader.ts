// Reads frames in the worker: their light, and the last one as JPEG.

import { measurePicture, RASTER_HEIGHT, RASTER_WIDTH, rasterOf, type PictureMeasures, type Raster } from '../../detector/picture';

/** What evidence takes: at most so wide, and so large. */
const JPEG_WIDTH = 1_280;
const JPEG_BYTES = 200 * 1_024;
const JPEG_QUALITIES = [0.8, 0.6, 0.4];

export class PictureReader {
  private readonly small = new OffscreenCanvas(RASTER_WIDTH, RASTER_HEIGHT);
  private before: Raster | null = null;
  private last: ImageBitmap | null = null;

  /** Measures a picture and keeps it as the last one. */
  read(picture: ImageBitmap): PictureMeasures {
    const context = this.small.getContext('2d', { willReadFrequently: true, alpha: false });
    if (context === null) {
      throw new Error('no 2d canvas in this worker');
    }
    // Averages instead of picking pixels: a camera's noise is not sharpness.
    context.imageSmoothingQuality = 'medium';
    context.drawImage(picture, 0, 0, RASTER_WIDTH, RASTER_HEIGHT);
    const raster = rasterOf(context.getImageData(0, 0, RASTER_WIDTH, RASTER_HEIGHT).data, RASTER_WIDTH, RASTER_HEIGHT);
    const measures = measurePicture(raster, this.before);
    this.before = raster;
    this.last?.close();
    this.last = picture;

    return measures;
  }

  async jpeg(): Promise<Blob | null> {
    const { last } = this;
    if (last === null) {
      return null;
    }
    const scale = Math.min(1, JPEG_WIDTH / last.width);
    const canvas = new OffscreenCanvas(Math.round(last.width * scale), Math.round(last.height * scale));
    canvas.getContext('2d', { alpha: false })?.drawImage(last, 0, 0, canvas.width, canvas.height);
    for (const quality of JPEG_QUALITIES) {
      const blob = await canvas.convertToBlob({ type: 'image/jpeg', quality });
      if (blob.size <= JPEG_BYTES) {
        return blob;
      }
    }

    return null;
  }
}
