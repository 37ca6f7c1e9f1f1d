import { useEffect, useRef, type RefObject } from 'react';

/** Takes the focus to the heading of a view that replaces another one. */
export function useHeadingFocus(): RefObject<HTMLHeadingElement | null> {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    heading.current?.focus();
  }, []);

  return heading;
}
