// How long a face has not moved at all. A photograph held before the camera is
// such a face; so may be somebody who reads. It is shown, never reported: no sign
// is made of it.

import type { FaceMeasures } from './measures';

/** More than the landmarks' own tremble (0.0005 of the width, 1 degree), less than breathing and blinking. */
const MOVED = 0.004;
const TURNED = 1.5;
const BLINKED = 0.08;

export class Stillness {
  private since: number | null = null;
  private anchor: FaceMeasures | null = null;

  /** Milliseconds since the face last moved. */
  observe(at: number, face: FaceMeasures): number {
    if (this.since === null || this.anchor === null || moved(this.anchor, face)) {
      this.since = at;
      this.anchor = face;
    }

    return at - this.since;
  }

  reset(): void {
    this.since = null;
    this.anchor = null;
  }
}

function moved(a: FaceMeasures, b: FaceMeasures): boolean {
  return (
    Math.hypot(a.x - b.x, a.y - b.y) > MOVED ||
    Math.abs(a.width - b.width) > MOVED ||
    Math.abs((a.pose?.yaw ?? 0) - (b.pose?.yaw ?? 0)) > TURNED ||
    Math.abs(a.eyeOpenness - b.eyeOpenness) > BLINKED
  );
}
