import { SeverityMark } from '../../components/record/severity-mark';
import { recordTexts, severityName } from '../../core/record/messages';
import type { Series } from '../../core/record/series';
import { SEVERITIES } from '../../core/record/summary';

const texts = recordTexts.review;
const BANDS = ['before', 'interrupted', 'paused'] as const;

/** Only what is there. */
export function PlotLegend({ series: { marks, bands, steps } }: { series: Series }) {
  return (
    <ul className="legend" aria-label={texts.legend}>
      <li>
        <span className="swatch score" aria-hidden="true" />
        {texts.legendScore}
      </li>
      {steps.some(({ sure }) => !sure) && (
        <li>
          <span className="swatch score unsure" aria-hidden="true" />
          {texts.unsureNote}
        </li>
      )}
      {SEVERITIES.filter((severity) => marks.some((mark) => mark.severity === severity)).map((severity) => (
        <li key={severity}>
          <SeverityMark severity={severity} />
          {texts.legendMark({ severity: severityName(severity) })}
        </li>
      ))}
      {marks.some(({ dismissed }) => dismissed) && (
        <li>
          <SeverityMark severity="medium" dismissed />
          {texts.legendDismissed}
        </li>
      )}
      {BANDS.filter((kind) => bands.some((band) => band.kind === kind)).map((kind) => (
        <li key={kind}>
          <span className="swatch" data-band={kind} aria-hidden="true" />
          {texts.bands[kind]}
        </li>
      ))}
    </ul>
  );
}
