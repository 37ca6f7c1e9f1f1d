import { lasted } from '../../core/record/format';
import { causeName, recordTexts } from '../../core/record/messages';
import { coverageOf } from '../../core/record/summary';
import type { Coverage } from '../../core/wire-invigilator';

const texts = recordTexts.coverage;

/** How much of the exam was seen, and whose fault the rest is. */
export function CoverageSummary({ coverage }: { coverage: Coverage | undefined }) {
  const summary = coverageOf(coverage);
  if (summary === null) {
    return <p className="soft">{texts.none}</p>;
  }
  const { percent, observedMs, totalMs, gaps } = summary;

  return (
    <div className="coverage">
      <meter min={0} max={100} value={percent} aria-label={texts.meter}>
        {percent} %
      </meter>
      <p>{texts.line({ percent, observed: lasted(observedMs), total: lasted(totalMs) })}</p>
      {gaps.length > 0 && (
        <ul className="plain">
          {gaps.map(({ cause, ms }) => (
            <li key={cause}>{texts.gap({ time: lasted(ms), cause: causeName(cause) })}</li>
          ))}
        </ul>
      )}
      {gaps.length > 0 && <p className="soft">{texts.note}</p>}
    </div>
  );
}
