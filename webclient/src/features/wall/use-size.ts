import { useLayoutEffect, useState, type RefObject } from 'react';

/** A height that changes by less is the same one: a banner comes and goes, and tiles stay where they are. */
const STEADY = 0.25;

export interface Size {
  width: number;
  height: number;
}

/** The room inside an element, in CSS pixels, steadied; null before it is known. */
export function useSize(element: RefObject<HTMLElement | null>): Size | null {
  const [size, setSize] = useState<Size | null>(null);
  useLayoutEffect(() => {
    const of = element.current;
    if (of === null) {
      return;
    }
    const look = () => {
      const { paddingLeft, paddingRight, paddingTop, paddingBottom } = getComputedStyle(of);
      const width = of.clientWidth - parseFloat(paddingLeft) - parseFloat(paddingRight);
      const height = of.clientHeight - parseFloat(paddingTop) - parseFloat(paddingBottom);
      setSize((known) => (known?.width === width && Math.abs(height - known.height) < STEADY * known.height ? known : { width, height }));
    };
    look();
    const observer = new ResizeObserver(look);
    observer.observe(of);

    return () => {
      observer.disconnect();
    };
  }, [element]);

  return size;
}
