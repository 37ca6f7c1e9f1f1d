/** One shape for each severity, so that colour only repeats it; hollow: dismissed. */
const SHAPES: Partial<Record<string, string>> = {
  critical: 'M8 1 15 8 8 15 1 8Z',
  high: 'M8 1.5 15 14H1Z',
  medium: 'M2.5 2.5h11v11h-11Z',
  low: 'M8 2a6 6 0 1 1 0 12a6 6 0 1 1 0-12Z',
};

export function SeverityMark({ severity, dismissed = false }: { severity: string; dismissed?: boolean }) {
  return (
    <svg
      className={`severity ${dismissed ? 'hollow' : 'filled'}`}
      data-severity={severity}
      viewBox="0 0 16 16"
      aria-hidden="true"
      focusable="false"
    >
      <path d={SHAPES[severity] ?? SHAPES['low']} />
    </svg>
  );
}
