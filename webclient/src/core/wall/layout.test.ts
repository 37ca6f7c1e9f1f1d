import { expect, it } from 'vitest';

import { DENSITIES, GAP, inView, layout, MIN_TILE } from './layout';

it.each([[1280, 700], [1920, 950], [3840, 2000], [1024, 600]])('%i x %i has as many in sight as asked for, if they can be read', (width, height) => {
  for (const density of DENSITIES) {
    const { columns, tileWidth, tileHeight } = layout(width, height, density);
    const rows = Math.floor((height + GAP) / (tileHeight + GAP));
    const most = Math.floor((width + GAP) / (MIN_TILE + GAP));
    expect(columns * rows >= density || columns === most).toBe(true);
    expect(tileWidth).toBeGreaterThanOrEqual(MIN_TILE);
    expect(columns * tileWidth + (columns - 1) * GAP).toBeCloseTo(width);
  }
});

it('a narrow page scrolls', () => {
  expect(layout(300, 500, 60).columns).toBe(2);
  expect(layout(100, 500, 12)).toMatchObject({ columns: 1, tileWidth: 100 });
});

it('those in sight, and those near it by how near they are', () => {
  const ids = Array.from({ length: 20 }, (_, i) => String(i));
  expect(inView(ids, 3, 2, 3, 2)).toEqual({ live: ['6', '7', '8', '9', '10', '11'], near: ['12', '5', '13', '4'] });
  expect(inView(ids, 3, 0, 1, 2)).toEqual({ live: ['0', '1', '2', '3', '4', '5'], near: ['6', '7'] });
  expect(inView(ids, 3, 6, 9, 1)).toEqual({ live: ['18', '19'], near: ['17'] });
  expect(inView([], 3, 0, 0, 12)).toEqual({ live: [], near: [] });
});
