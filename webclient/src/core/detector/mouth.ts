// Whether the mouth moves as it does in speech: it opens and closes several times
// within two seconds. One yawn, a smile or a mouth held open does not.

import { distance, type Landmarks, type Size } from './landmarks';

const INNER_UPPER = 13;
const INNER_LOWER = 14;
/** The nose's bridge and chin: steadier than the width of a mouth that smiles. */
const BRIDGE = 168;
const UNDER_NOSE = 2;

/** The gap between the lips in nose lengths: 0 closed, about 0.5 wide open. */
export function mouthOpenness(face: Landmarks, size: Size): number {
  const nose = Math.max(distance(face, BRIDGE, UNDER_NOSE, size), Number.EPSILON);

  return distance(face, INNER_UPPER, INNER_LOWER, size) / nose;
}

export interface MouthOptions {
  windowMs: number;
  /** Fewer in a window cannot show several openings: nothing is said. */
  minSamples: number;
  /** How far the gap must go back to count as a turn, in nose lengths. */
  swing: number;
  /** Turns within the window from which it is speech, and down to which it stays so. */
  enterTurns: number;
  leaveTurns: number;
}

interface Sample {
  at: number;
  openness: number;
}

export class MouthMovement {
  private readonly options: MouthOptions;
  private samples: Sample[] = [];
  private speaking = false;

  constructor(options: MouthOptions) {
    this.options = options;
  }

  /** true or false once there is enough to tell, else undefined. */
  observe(at: number, openness: number): boolean | undefined {
    const { windowMs, minSamples, swing, enterTurns, leaveTurns } = this.options;
    this.samples = this.samples.filter((sample) => at - sample.at < windowMs);
    this.samples.push({ at, openness });
    if (this.samples.length < minSamples) {
      this.speaking = false;

      return undefined;
    }
    const turns = turnsIn(this.samples, swing);
    this.speaking = turns >= (this.speaking ? leaveTurns : enterTurns);

    return this.speaking;
  }

  /** The face was lost: what comes next does not continue what was. */
  reset(): void {
    this.samples = [];
    this.speaking = false;
  }
}

/** How often the gap turns from opening to closing or back, by at least swing. */
function turnsIn(samples: readonly Sample[], swing: number): number {
  let turns = 0;
  let low = Infinity;
  let high = -Infinity;
  let direction = 0;
  for (const { openness } of samples) {
    low = Math.min(low, openness);
    high = Math.max(high, openness);
    if (direction <= 0 && openness - low >= swing) {
      turns += direction === 0 ? 0 : 1;
      direction = 1;
      high = openness;
    } else if (direction >= 0 && high - openness >= swing) {
      turns += direction === 0 ? 0 : 1;
      direction = -1;
      low = openness;
    }
  }

  return turns;
}
