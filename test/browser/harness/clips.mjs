// What the camera plays for the face detector: [footage name, seconds]..., and
// which violation each picture shows. Played in a loop; the number in a picture's
// corner says later which one was looked at.

const CALM = ['one', 'gaze+05', 'one-noisy', 'yaw-03', 'one', 'yaw+03', 'gaze-05'];

/** Somebody who looks at the screen and is alive. */
export function calm(seconds) {
  const each = 0.4;

  return Array.from({ length: Math.round(seconds / each) }, (_, i) => [CALM[i % CALM.length], each]);
}

/** A head that turns so far, stays, and comes back; 3 degrees a picture. */
export function turn(degrees, seconds) {
  const way = Array.from({ length: Math.abs(degrees) / 3 - 1 }, (_, i) => [yaw(Math.sign(degrees) * 3 * (i + 1)), 0.07]);

  return [...way, [yaw(degrees), seconds], ...way.toReversed()];
}

export const yaw = (degrees) => `yaw${signed(degrees)}`;
export const gaze = (degrees) => `gaze${signed(degrees)}`;

function signed(degrees) {
  return `${degrees < 0 ? '-' : '+'}${String(Math.abs(degrees)).padStart(2, '0')}`;
}

const leave = (seconds) => [['leaving', 0.3], ['room', seconds], ['leaving', 0.3]];

/** Each long enough to be reported by the tests' policy, with calm around it. */
export function events({ bothSides }) {
  const signs = [
    leave(5.5),
    [['behind', 3.5]],
    [['black', 4.5]],
    turn(30, 4.5),
    [[gaze(-30), 4.5]],
    [['dark', 7.5]],
    ...(bothSides ? [turn(-30, 4.5), [[gaze(30), 4.5]], [['two', 3.5]], [['blurred', 7.5]]] : []),
  ];

  return [...calm(8), ...signs.flatMap((sign) => [...sign, ...calm(3.2)])];
}

/** About two syllables a second. */
export function speech(seconds) {
  const syllable = [['one', 0.14], ['mouth-06', 0.1], ['mouth-12', 0.14], ['mouth-06', 0.1]];

  return Array.from({ length: Math.round(seconds / 0.48) }, () => syllable).flat();
}

/** Every head turn and gaze that there is, from one side to the other. */
export function sweep() {
  const steps = (from, step) => Array.from({ length: (-2 * from) / step + 1 }, (_, i) => from + i * step);

  return [...steps(-30, 3).map((degrees) => [yaw(degrees), 0.5]), ...steps(-30, 5).map((degrees) => [gaze(degrees), 0.5])];
}

/**
 * A minute of somebody who writes an exam: small turns, eyes that jump, a yawn, a
 * look aside and a moment out of the picture that are too short to count. The same
 * in every run.
 */
export function ordinary(seconds = 60) {
  const random = seeded(42);
  const pick = (list) => list[Math.floor(random() * list.length)];
  const parts = calm(6);
  let rare = 0;
  for (let at = 6; at < seconds;) {
    const briefly = [
      turn(30, 0.5),
      turn(-30, 0.5),
      [[gaze(30), 1]],
      [[gaze(-30), 1]],
      [['leaving', 0.3], ['room', 1], ['leaving', 0.3]],
      [['behind', 0.3]],
      [['mouth-06', 0.4], ['mouth-12', 1.5], ['mouth-06', 0.4]],
    ];
    const next = random() < 0.12
      ? briefly[rare++ % briefly.length]
      : [[pick([...CALM, gaze(10), gaze(-10), gaze(15), gaze(-15), yaw(6), yaw(-6), yaw(9), yaw(-9), yaw(12), yaw(-12)]), 0.3 + random()]];
    parts.push(...next);
    at += next.reduce((sum, [, length]) => sum + length, 0);
  }

  return parts;
}

/** Which violation a picture shows, by what is true of it. */
export function shows({ faces, black, poor, yaw: turned = 0, gaze: looks = 0, file }) {
  switch (true) {
    case black: return 'CameraBlackout';
    case file === 'leaving.jpg': return null;
    case faces === 0: return 'FaceMissing';
    case faces > 1: return 'MultipleFaces';
    case poor !== undefined: return 'LowQuality';
    case Math.abs(turned) >= 27: return 'HeadTurned';
    case Math.abs(looks) >= 25: return 'GazeDeviation';
    default: return null;
  }
}

/** Numbers in [0, 1) that are the same in every run (mulberry32). */
function seeded(seed) {
  let state = seed;

  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;

    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
