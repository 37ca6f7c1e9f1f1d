// The plot in rows, for whoever does not see it: every step of the score, every
// violation and every band once, by time.

import type { Band, ScoreStep, Series, ViolationMark } from './series';

export type PlotRow = { at: number; step: ScoreStep | null } & (
  | { is: 'band'; band: Band }
  | { is: 'violation'; mark: ViolationMark }
  | { is: 'change'; first: boolean }
);

/** Of the same moment: the band, then violations, then other changes of the score. */
export function plotRows({ steps, marks, bands }: Series): PlotRow[] {
  const left = [...steps];
  const take = (at: number) => {
    const index = left.findIndex((step) => step.at === at);

    return index < 0 ? null : (left.splice(index, 1)[0] ?? null);
  };
  const ofMarks: PlotRow[] = marks.map((mark) => ({ is: 'violation', at: mark.at, mark, step: take(mark.at) }));
  const first = steps[0];
  const ofSteps: PlotRow[] = left.map((step) => ({ is: 'change', at: step.at, step, first: step === first }));
  const ofBands: PlotRow[] = bands.map((band) => ({ is: 'band', at: band.from, band, step: null }));

  return [...ofBands, ...ofMarks, ...ofSteps].sort((a, b) => a.at - b.at);
}
