/** Where a key leads from tile `at` of count in so many columns; null: nowhere. page: tiles on a screen. */
export function step(
  { key, ctrlKey }: { key: string; ctrlKey: boolean },
  at: number,
  columns: number,
  count: number,
  page: number,
): number | null {
  const row = Math.floor(at / columns);
  const within = (to: number) => Math.min(count - 1, Math.max(0, to));
  switch (key) {
    case 'ArrowLeft':
      return within(at - 1);
    case 'ArrowRight':
      return within(at + 1);
    case 'ArrowUp':
      return at - columns >= 0 ? at - columns : at;
    case 'ArrowDown':
      return at + columns < count ? at + columns : row < Math.floor((count - 1) / columns) ? count - 1 : at;
    case 'Home':
      return ctrlKey ? 0 : row * columns;
    case 'End':
      return ctrlKey ? count - 1 : within(row * columns + columns - 1);
    case 'PageUp':
      return within(at - page);
    case 'PageDown':
      return within(at + page);
    default:
      return null;
  }
}
