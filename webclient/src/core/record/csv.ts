// Tables as RFC 4180 has them: comma, CRLF, quotes where a cell needs them.

export type Cell = string | number | null | undefined;

/**
 * What a spreadsheet would take for a formula gets an apostrophe before it, since
 * names, reasons and texts are other people's. Numbers are ours and stay as they are.
 */
const FORMULA = /^[=+\-@\t\r]/;

/** A byte order mark: without it Excel reads UTF-8 as something else. */
const MARK = '\uFEFF';

export function csv(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  return MARK + [head, ...rows].map((row) => `${row.map(cell).join(',')}\r\n`).join('');
}

function cell(value: Cell): string {
  if (value === null || value === undefined) {
    return '';
  }
  if (typeof value === 'number') {
    return String(value);
  }
  const text = FORMULA.test(value) ? `'${value}` : value;

  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** UTC, for machines; nothing for a time that is not known. */
export function isoTime(at: number | undefined): string {
  return at === undefined || at === 0 ? '' : new Date(at).toISOString();
}
