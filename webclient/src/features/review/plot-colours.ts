/** The plot's colours, from the sheet: a canvas does not inherit. */
export interface PlotColours {
  ink: string;
  soft: string;
  line: string;
  paper: string;
  score: string;
  interrupted: string;
  paused: string;
  before: string;
  marks: Record<string, string>;
}

export function coloursOf(element: Element): PlotColours {
  const style = getComputedStyle(element);
  const of = (name: string) => style.getPropertyValue(name).trim();

  return {
    ink: of('--ink'),
    soft: of('--ink-soft'),
    line: of('--line'),
    paper: of('--sheet'),
    score: of('--brand'),
    interrupted: of('--band-interrupted'),
    paused: of('--band-paused'),
    before: of('--band-before'),
    marks: {
      critical: of('--severity-critical'),
      high: of('--severity-high'),
      medium: of('--severity-medium'),
      low: of('--severity-low'),
    },
  };
}
