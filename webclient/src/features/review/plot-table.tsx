import { clock, lasted } from '../../core/record/format';
import { recordTexts, violationName, severityName, whyText, causeName } from '../../core/record/messages';
import type { Series } from '../../core/record/series';
import { plotRows, type PlotRow } from '../../core/record/plot-rows';

const texts = recordTexts.review;

/** Everything that the plot shows, in words. */
export function PlotTable({ series }: { series: Series }) {
  return (
    <details className="plot-table">
      <summary>{texts.asTable}</summary>
      <div className="table-frame" role="region" aria-label={texts.asTable} tabIndex={0}>
        <table>
          <caption>{texts.tableCaption}</caption>
          <thead>
            <tr>
              <th scope="col">{texts.table.at}</th>
              <th scope="col">{texts.table.what}</th>
              <th scope="col" className="figure">
                {texts.table.score}
              </th>
            </tr>
          </thead>
          <tbody>
            {plotRows(series).map((row, index) => (
              <tr key={index}>
                <td className="time">{clock(row.at)}</td>
                <td>{whatOf(row)}</td>
                <td className="figure">{scoreOf(row)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}

function whatOf(row: PlotRow): string {
  switch (row.is) {
    case 'violation': {
      const { type, severity, dismissed } = row.mark;
      const words = `${violationName(type)}, ${recordTexts.timeline.severity({ severity: severityName(severity) })}`;

      return dismissed ? `${words}, ${texts.columns.dismissed.toLowerCase()}` : words;
    }
    case 'band': {
      const { kind, from, until, why, cause } = row.band;
      const line = texts.bandLine({ band: texts.bands[kind], time: lasted(until - from) });
      const because = cause !== null ? causeName(cause) : why === '' ? '' : whyText(why);

      return because === '' ? line : `${line} (${because})`;
    }
    case 'change':
      return row.first ? texts.began : texts.change;
  }
}

function scoreOf(row: PlotRow): string {
  if (row.step === null) {
    return '';
  }

  return row.step.sure ? String(row.step.score) : texts.upTo(row.step);
}
