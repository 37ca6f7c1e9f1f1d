import { useEffect, useState, type RefObject } from 'react';

/** So far before it comes into sight, something is near. */
const MARGIN = '300px';

/** Whether an element was near the part of the page that is in sight; once true, it stays. */
export function useNear(element: RefObject<Element | null>, at: boolean): boolean {
  const [near, setNear] = useState(at);
  useEffect(() => {
    if (near || element.current === null) {
      return undefined;
    }
    const observer = new IntersectionObserver(
      (entries) => {
        if (entries.some(({ isIntersecting }) => isIntersecting)) {
          setNear(true);
        }
      },
      { rootMargin: MARGIN },
    );
    observer.observe(element.current);

    return () => {
      observer.disconnect();
    };
  }, [near, element]);

  return near;
}
