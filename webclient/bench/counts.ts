// What a measured page did: read by the browser that measures it.

export interface Counts {
  /** Renders of tiles, and of everything else. */
  tiles: number;
  others: number;
}

declare global {
  interface Window {
    counts: Counts;
  }
}

export const counts: Counts = { tiles: 0, others: 0 };
window.counts = counts;
