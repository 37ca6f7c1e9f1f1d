// Whether a picture is good enough to see somebody in it: light, contrast,
// sharpness, and that it is not the same picture for ever.

import { Hysteresis } from './hysteresis';
import type { PictureMeasures } from './picture';
import type { Thresholds } from './thresholds';

export type Light = 'dark' | 'good' | 'bright';

export class PictureQuality {
  light: Light | null = null;
  blurred = false;
  frozen = false;

  private readonly thresholds: Thresholds;
  private readonly dark: Hysteresis;
  private readonly bright: Hysteresis;
  private readonly flat: Hysteresis;
  private readonly blur: Hysteresis;
  private sameSince: number | null = null;

  constructor(thresholds: Thresholds) {
    this.thresholds = thresholds;
    this.dark = new Hysteresis(thresholds.darkEnter, thresholds.darkLeave);
    this.bright = new Hysteresis(thresholds.brightEnter, thresholds.brightLeave);
    this.flat = new Hysteresis(thresholds.flatEnter, thresholds.flatLeave);
    this.blur = new Hysteresis(thresholds.blurEnter, thresholds.blurLeave);
  }

  /** true: the picture is poor. */
  observe(at: number, picture: PictureMeasures): boolean {
    const dark = this.dark.observe(picture.luminance);
    const bright = this.bright.observe(picture.luminance);
    const flat = this.flat.observe(picture.contrast);
    this.light = dark ? 'dark' : bright ? 'bright' : 'good';
    // A flat picture has no detail either, and that is no matter of focus.
    this.blurred = !flat && this.blur.observe(picture.sharpness / picture.contrast ** 2);
    this.frozen = this.frozenAt(at, picture.difference);

    return dark || bright || flat || this.blurred || this.frozen;
  }

  reset(): void {
    this.sameSince = null;
    this.frozen = false;
  }

  private frozenAt(at: number, difference: number | null): boolean {
    if (difference === null || difference >= this.thresholds.sameBelow) {
      this.sameSince = null;

      return false;
    }
    this.sameSince ??= at;

    return at - this.sameSince >= this.thresholds.frozenAfterMs;
  }
}
