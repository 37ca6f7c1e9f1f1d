// What uPlot does not draw itself: bands behind the plot, the score's steps with
// what is not sure dashed, and a shape for each violation. Positions are pixels of
// the canvas.

import type uPlot from 'uplot';

import type { Band, ScoreStep, Series, ViolationMark } from '../../core/record/series';
import type { PlotColours } from './plot-colours';

const MARK_PX = 6;
const HATCH_PX = 8;

interface Canvas {
  plot: uPlot;
  ctx: CanvasRenderingContext2D;
  ratio: number;
  x: (at: number) => number;
  y: (score: number) => number;
}

function canvasOf(plot: uPlot): Canvas {
  return {
    plot,
    ctx: plot.ctx,
    ratio: window.devicePixelRatio,
    x: (at) => plot.valToPos(at, 'x', true),
    y: (score) => plot.valToPos(score, 'y', true),
  };
}

/** Behind everything: what the session was, and where levels begin. */
export function drawBehind(plot: uPlot, { bands }: Series, levels: readonly number[], colours: PlotColours): void {
  const canvas = canvasOf(plot);
  clipped(canvas, () => {
    for (const band of bands) {
      drawBand(canvas, band, colours);
    }
    const { ctx, ratio, y } = canvas;
    const { left, width } = plot.bbox;
    ctx.strokeStyle = colours.line;
    ctx.lineWidth = ratio;
    ctx.setLineDash([2 * ratio, 3 * ratio]);
    for (const level of levels) {
      ctx.beginPath();
      ctx.moveTo(left, y(level));
      ctx.lineTo(left + width, y(level));
      ctx.stroke();
    }
  });
}

export function drawSeries(plot: uPlot, series: Series, colours: PlotColours): void {
  const canvas = canvasOf(plot);
  clipped(canvas, () => {
    drawSteps(canvas, series.steps, series.until, colours);
  });
  const { ctx } = canvas;
  // uPlot remembers its pens and does not set them again: they are left as they were.
  ctx.save();
  for (const mark of series.marks) {
    drawMark(canvas, mark, scoreAt(series.steps, mark.at), colours);
  }
  ctx.restore();
}

function clipped({ ctx, plot }: Canvas, draw: () => void): void {
  const { left, top, width, height } = plot.bbox;
  ctx.save();
  ctx.beginPath();
  ctx.rect(left, top, width, height);
  ctx.clip();
  draw();
  ctx.restore();
}

/** Told apart without colour: interrupted is hatched, paused is striped upright, live is plain. */
function drawBand({ ctx, plot, ratio, x }: Canvas, { kind, from, until }: Band, colours: PlotColours): void {
  const fill = { before: colours.before, interrupted: colours.interrupted, paused: colours.paused, live: null, over: null }[kind];
  if (fill === null) {
    return;
  }
  const { top, height } = plot.bbox;
  const left = x(from);
  const width = Math.max(ratio, x(until) - left);
  ctx.save();
  ctx.beginPath();
  ctx.rect(left, top, width, height);
  ctx.clip();
  ctx.fillStyle = fill;
  ctx.globalAlpha = 0.35;
  ctx.fillRect(left, top, width, height);
  ctx.globalAlpha = 1;
  ctx.strokeStyle = fill;
  ctx.lineWidth = 1.5 * ratio;
  const lean = kind === 'interrupted' ? height : 0;
  if (kind !== 'before') {
    for (let at = left - lean; at < left + width; at += HATCH_PX * ratio) {
      ctx.beginPath();
      ctx.moveTo(at, top + height);
      ctx.lineTo(at + lean, top);
      ctx.stroke();
    }
  }
  ctx.restore();
}

function drawSteps({ ctx, ratio, x, y }: Canvas, steps: readonly ScoreStep[], until: number, colours: PlotColours): void {
  ctx.strokeStyle = colours.score;
  ctx.lineWidth = 2.5 * ratio;
  ctx.lineJoin = 'round';
  for (const [index, { at, score, sure }] of steps.entries()) {
    const next = steps[index + 1];
    ctx.setLineDash(sure ? [] : [5 * ratio, 4 * ratio]);
    ctx.beginPath();
    ctx.moveTo(x(at), y(score));
    ctx.lineTo(x(next?.at ?? until), y(score));
    if (next !== undefined) {
      ctx.lineTo(x(next.at), y(next.score));
    }
    ctx.stroke();
  }
}

function drawMark({ ctx, ratio, x, y }: Canvas, mark: ViolationMark, score: number, colours: PlotColours): void {
  const path = shapeOf(mark.severity, x(mark.at), y(score), MARK_PX * ratio);
  const colour = colours.marks[mark.severity] ?? colours.ink;
  ctx.fillStyle = mark.dismissed ? colours.paper : colour;
  ctx.strokeStyle = mark.dismissed ? colour : colours.paper;
  ctx.lineWidth = (mark.dismissed ? 2 : 1) * ratio;
  ctx.setLineDash([]);
  ctx.fill(path);
  ctx.stroke(path);
}

/** The shapes of SeverityMark. */
function shapeOf(severity: string, x: number, y: number, r: number): Path2D {
  const path = new Path2D();
  switch (severity) {
    case 'critical':
      polygon(path, [[x, y - 1.3 * r], [x + 1.3 * r, y], [x, y + 1.3 * r], [x - 1.3 * r, y]]);
      break;
    case 'high':
      polygon(path, [[x, y - 1.1 * r], [x + 1.15 * r, y + r], [x - 1.15 * r, y + r]]);
      break;
    case 'medium':
      path.rect(x - 0.9 * r, y - 0.9 * r, 1.8 * r, 1.8 * r);
      break;
    default:
      path.arc(x, y, r, 0, 2 * Math.PI);
  }

  return path;
}

function polygon(path: Path2D, points: readonly [number, number][]): void {
  for (const [x, y] of points) {
    path.lineTo(x, y);
  }
  path.closePath();
}

/** The score after what happened at a moment. */
export function scoreAt(steps: readonly ScoreStep[], at: number): number {
  return steps.findLast((step) => step.at <= at)?.score ?? 0;
}
