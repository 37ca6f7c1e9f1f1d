// What the device check says before the exam, and what follows from it. A check
// that cannot be done is "unknown" and holds nobody up; only a camera that cannot
// reach the server by any way keeps the student out.

import type { DetectorState } from './detector/detector';
import { noPath, type PathCheck } from './path-check';

export type Verdict = 'unknown' | 'running' | 'ok' | 'bad';

export interface CheckInput {
  camera: 'off' | 'on' | 'ended';
  detector: Pick<DetectorState, 'status' | 'faces' | 'light'>;
  path: PathCheck;
}

export interface Checks {
  camera: Verdict;
  light: Verdict;
  face: Verdict;
  path: Verdict;
}

export function checksOf({ camera, detector, path }: CheckInput): Checks {
  const { status, faces, light } = detector;
  // The camera's own screens tell of a camera that does not start.
  const on = camera === 'on';
  const looking: Verdict = on && status !== 'off' ? 'running' : 'unknown';

  return {
    camera: on ? 'ok' : 'bad',
    light: !on || light === null ? looking : light === 'good' ? 'ok' : 'bad',
    face: status === 'pictureOnly' ? 'unknown' : !on || faces === null ? looking : faces === 1 ? 'ok' : 'bad',
    path: pathVerdict(path),
  };
}

function pathVerdict(path: PathCheck): Verdict {
  if (path.state !== 'done') {
    return path.state === 'running' ? 'running' : 'unknown';
  }
  if (Object.values(path.legs).includes('ok')) {
    return 'ok';
  }

  return noPath(path) ? 'bad' : 'unknown';
}

/** closed: no way to the server; advised: something could be better; open: nothing is known against it. */
export type Entrance = 'open' | 'advised' | 'closed';

export function entranceOf(input: CheckInput): Entrance {
  const checks = checksOf(input);
  if (checks.path === 'bad') {
    return 'closed';
  }

  return Object.values(checks).includes('bad') ? 'advised' : 'open';
}
