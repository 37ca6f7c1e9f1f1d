// How tiles lie on the screen: so many as the person asked for, as large as they
// can be then. Pure.

export type Density = 12 | 24 | 40 | 60;

export const DENSITIES: readonly Density[] = [12, 24, 40, 60];

export interface Layout {
  columns: number;
  tileWidth: number;
  /** With its words, without the gap below it. */
  tileHeight: number;
}

/** Between tiles, in CSS pixels; the style sheet has the same, and the same captions. */
export const GAP = 8;
/** Narrower than this, a name cannot be read: the page scrolls instead. */
export const MIN_TILE = 128;
/** From this width on there is room for words that are read from far away. */
const LARGE_TILE = 240;

/** The height of the words below a picture. */
export function caption(tileWidth: number): number {
  return tileWidth >= LARGE_TILE ? 84 : 64;
}

/** The fewest columns with which density tiles are in sight. Sizes are in CSS pixels. */
export function layout(width: number, height: number, density: Density): Layout {
  const most = Math.max(1, Math.floor((width + GAP) / (MIN_TILE + GAP)));
  for (let columns = 1; ; columns += 1) {
    const tileWidth = (width - GAP * (columns - 1)) / columns;
    const tileHeight = (tileWidth * 9) / 16 + caption(tileWidth);
    const rows = Math.floor((height + GAP) / (tileHeight + GAP));
    if (columns >= most || columns * rows >= density) {
      return { columns, tileWidth, tileHeight };
    }
  }
}

/** Of so many tiles, those of these rows; and the warm ones before and after them, the nearest first. */
export function inView(
  ids: readonly string[],
  columns: number,
  firstRow: number,
  lastRow: number,
  warm: number,
): { live: string[]; near: string[] } {
  const from = Math.max(0, firstRow * columns);
  const to = Math.min(ids.length, (lastRow + 1) * columns);
  const after = ids.slice(to, to + warm);
  const before = ids.slice(Math.max(0, from - warm), from).reverse();
  const near: string[] = [];
  for (let i = 0; i < Math.max(after.length, before.length); i += 1) {
    near.push(...[after[i], before[i]].filter((id) => id !== undefined));
  }

  return { live: ids.slice(from, to), near };
}
