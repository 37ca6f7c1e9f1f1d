import { useCallback, useState } from 'react';

/** A choice that a reload of this tab keeps. */
export function useKept<T extends string | number>(name: string, options: readonly T[], first: T): [T, (value: T) => void] {
  const key = `invigil.wall.${name}`;
  const [value, setValue] = useState(() => options.find((option) => String(option) === sessionStorage.getItem(key)) ?? first);
  const keep = useCallback(
    (next: T) => {
      sessionStorage.setItem(key, String(next));
      setValue(next);
    },
    [key],
  );

  return [value, keep];
}
