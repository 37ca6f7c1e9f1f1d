// From what is observed to what is reported: a sign must last before it counts,
// a short lapse does not end it, and one type is reported once per TTL. Pure
// logic: the caller brings the clock and the observations.

import type { PageDelta, ReportedViolation, ViolationRule } from './wire';

/** true: the sign is there; false: it is not; absent: cannot be told now. */
export type Observation = Partial<Record<string, boolean>>;

export interface SignOptions {
  /** A sign that is gone for less than this has not ended. */
  releaseMs: number;
  /**
   * Added to each TTL: the server's own TTL begins when the report arrives, so a
   * repeat sent exactly at the end of ours could still fall into it.
   */
  ttlMarginMs: number;
}

const DEFAULTS: SignOptions = { releaseMs: 300, ttlMarginMs: 500 };

interface Track {
  since: number | null;
  lastSeen: number;
  reportedAt: number | null;
}

export class Signs {
  private rules: ViolationRule[];
  private readonly options: SignOptions;
  private readonly tracks = new Map<string, Track>();

  constructor(rules: ViolationRule[], options: Partial<SignOptions> = {}) {
    this.rules = rules;
    this.options = { ...DEFAULTS, ...options };
  }

  /** A new policy keeps what is going on. */
  setRules(rules: ViolationRule[]): void {
    this.rules = rules;
  }

  /** Takes one observation and returns what has become reportable by it. */
  observe(now: number, observed: Observation): ReportedViolation[] {
    const found: ReportedViolation[] = [];
    for (const rule of this.rules) {
      const violation = this.step(rule, now, observed[rule.type]);
      if (violation !== null) {
        found.push(violation);
      }
    }

    return found;
  }

  /** Forgets signs that are going on, not what was reported: after a pause. */
  interrupt(): void {
    for (const track of this.tracks.values()) {
      track.since = null;
    }
  }

  private step(rule: ViolationRule, now: number, present: boolean | undefined): ReportedViolation | null {
    let track = this.tracks.get(rule.type);
    if (track === undefined) {
      track = { since: null, lastSeen: 0, reportedAt: null };
      this.tracks.set(rule.type, track);
    }
    if (present !== true) {
      // "Cannot be told" ends a sign like "not there": silence is never proof.
      if (track.since !== null && now - track.lastSeen >= this.options.releaseMs) {
        track.since = null;
      }

      return null;
    }
    track.since ??= now;
    track.lastSeen = now;
    const lastedMs = now - track.since;
    const suppressed =
      track.reportedAt !== null && now - track.reportedAt < rule.ttlMs + this.options.ttlMarginMs;
    if (lastedMs < rule.mustLastMs || suppressed) {
      return null;
    }
    track.reportedAt = now;

    return { type: rule.type, at: track.since, lastedMs };
  }
}

/** Mean luma below which a picture is black, and above which it is one again. */
const DARK_BELOW = 20;
const LIGHT_FROM = 28;

/** Whether the picture is black, with hysteresis so that noise does not flap it. */
export class Darkness {
  private dark = false;

  observe(luminance: number): boolean {
    this.dark = luminance < (this.dark ? LIGHT_FROM : DARK_BELOW);

    return this.dark;
  }
}

export interface PageView {
  visible: boolean;
  focused: boolean;
  /** The camera's track is muted by the system, disabled, or has ended. */
  cameraMuted: boolean;
  /** Mean luma 0 to 255; null when no fresh picture could be read. */
  luminance: number | null;
}

/**
 * Which signs a view of the page shows. elsewhere: the student's work is in
 * another tab, so that this one's focus tells nothing.
 */
export function observationOf(view: PageView, darkness: Darkness, elsewhere = false): Observation {
  const observed: Observation = elsewhere ? {} : { FocusLost: !view.visible || !view.focused };
  if (view.cameraMuted) {
    observed['CameraBlackout'] = true;
  } else if (view.luminance !== null) {
    observed['CameraBlackout'] = darkness.observe(view.luminance);
  }

  return observed;
}

/** What a report says of the page. */
export function deltaOf(view: PageView, publishing: boolean): PageDelta {
  const { visible, focused, cameraMuted, luminance } = view;

  return {
    publishing,
    visible,
    focused,
    cameraMuted,
    ...(luminance === null ? {} : { luminance: Math.round(luminance) }),
  };
}

const RED = 0.2126;
const GREEN = 0.7152;
const BLUE = 0.0722;

/** Mean luma (BT.709) of RGBA pixels, 0 to 255. */
export function meanLuminance(rgba: Uint8ClampedArray): number {
  const pixels = rgba.length / 4;
  if (pixels === 0) {
    return 0;
  }
  let sum = 0;
  for (let i = 0; i + 3 < rgba.length; i += 4) {
    sum += RED * (rgba[i] ?? 0) + GREEN * (rgba[i + 1] ?? 0) + BLUE * (rgba[i + 2] ?? 0);
  }

  return sum / pixels;
}
