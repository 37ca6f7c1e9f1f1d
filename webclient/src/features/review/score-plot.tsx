import { useEffect, useRef } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';

import { timeOfDay } from '../../core/format';
import { clock } from '../../core/record/format';
import { recordTexts } from '../../core/record/messages';
import type { Series } from '../../core/record/series';
import { drawBehind, drawSeries, scoreAt } from './draw-plot';
import { coloursOf, type PlotColours } from './plot-colours';
import { PlotLegend } from './plot-legend';

const texts = recordTexts.review;

const HEIGHT_PX = 260;
const AXIS_FONT = '13px system-ui, sans-serif';

interface ScorePlotProps {
  series: Series;
  name: string;
  /** The scores from which on a level holds. */
  levels?: { watch: number; suspicious: number; critical: number };
  /** No wider than this, in pixels: what fits on paper. */
  maxWidth?: number;
}

/** The score over time. What it shows is in PlotTable too. */
export default function ScorePlot({ series, name, levels, maxWidth = Infinity }: ScorePlotProps) {
  const box = useRef<HTMLDivElement>(null);
  const readout = useRef<HTMLParagraphElement>(null);
  useEffect(() => {
    const element = box.current;
    if (element === null) {
      return undefined;
    }
    const lines = levels === undefined ? [] : [levels.watch, levels.suspicious, levels.critical];
    let colours = coloursOf(element);
    const options = optionsOf(Math.min(maxWidth, element.clientWidth), () => colours, {
      behind: (plot) => {
        drawBehind(plot, series, lines, colours);
      },
      front: (plot) => {
        drawSeries(plot, series, colours);
      },
      point: (at) => {
        if (readout.current !== null) {
          readout.current.textContent =
            at === null ? '' : `${clock(at)}: ${String(scoreAt(series.steps, at))}`;
        }
      },
    });
    const plot = new uPlot(options, dataOf(series), element);
    const follow = () => {
      colours = coloursOf(element);
      plot.redraw(false, true);
    };
    const theme = window.matchMedia('(prefers-color-scheme: dark)');
    theme.addEventListener('change', follow);
    const size = new ResizeObserver(() => {
      const width = Math.min(maxWidth, element.clientWidth);
      if (width > 0 && width !== plot.width) {
        plot.setSize({ width, height: HEIGHT_PX });
      }
    });
    size.observe(element);

    return () => {
      size.disconnect();
      theme.removeEventListener('change', follow);
      plot.destroy();
    };
  }, [series, levels, maxWidth]);

  return (
    <>
      <div
        ref={box}
        className="plot"
        role="img"
        aria-label={texts.plotAlt({
          name,
          score: series.steps.at(-1)?.score ?? 0,
          violations: series.marks.length,
        })}
      />
      <p ref={readout} className="plot-readout soft time" aria-hidden="true" />
      <PlotLegend series={series} />
    </>
  );
}

/** Where the cursor may stop: each step, and the end. */
function dataOf({ steps, until }: Series): uPlot.AlignedData {
  const points = new Map(steps.map(({ at, score }) => [at, score]));
  points.set(Math.max(until, steps.at(-1)?.at ?? 0), steps.at(-1)?.score ?? 0);

  return [[...points.keys()], [...points.values()]];
}

interface Hooks {
  behind: (plot: uPlot) => void;
  front: (plot: uPlot) => void;
  /** The time under the cursor; null: it has left. */
  point: (at: number | null) => void;
}

function optionsOf(width: number, colours: () => PlotColours, { behind, front, point }: Hooks): uPlot.Options {
  const axis = (of: Partial<uPlot.Axis>): uPlot.Axis => ({
    stroke: () => colours().soft,
    grid: { show: false },
    ticks: { stroke: () => colours().line, width: 1 },
    font: AXIS_FONT,
    ...of,
  });

  return {
    width,
    height: HEIGHT_PX,
    ms: 1,
    legend: { show: false },
    cursor: { y: false, points: { show: false } },
    padding: [12, 36, 0, 0],
    scales: { x: { time: true }, y: { range: [0, 100] } },
    axes: [
      axis({ space: 90, size: 32, values: (plot, splits) => splits.map((at) => timeLabel(plot, at)) }),
      axis({ label: texts.legendScore, labelFont: AXIS_FONT, labelSize: 22, size: 42, splits: () => [0, 25, 50, 75, 100] }),
    ],
    // Drawn by the hooks: uPlot knows one line style for a series, and no bands.
    series: [{}, { paths: () => null, points: { show: false } }],
    hooks: {
      drawClear: [behind],
      draw: [front],
      setCursor: [
        (plot) => {
          const { left = -1 } = plot.cursor;
          point(left < 0 ? null : plot.posToVal(left, 'x'));
        },
      ],
    },
  };
}

const MINUTE_MS = 60_000;

/** To the second where the plot is short. */
function timeLabel({ scales }: uPlot, at: number): string {
  const { min = 0, max = 0 } = scales['x'] ?? {};

  return max - min < 10 * MINUTE_MS ? clock(at) : timeOfDay(at);
}
