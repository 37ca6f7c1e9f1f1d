import { useEffect, useRef, type RefObject } from 'react';

/**
 * Moves the focus to the heading of a screen that replaces another one, so that
 * keyboard and screen reader go on there and not at the top of an empty page.
 */
export function useHeadingFocus(): RefObject<HTMLHeadingElement | null> {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    heading.current?.focus();
  }, []);

  return heading;
}
