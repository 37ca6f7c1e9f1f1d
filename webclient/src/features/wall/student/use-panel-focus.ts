import { useEffect, useRef, type FocusEvent, type KeyboardEvent, type RefObject } from 'react';
import { flushSync } from 'react-dom';

interface PanelFocus {
  panel: RefObject<HTMLElement | null>;
  heading: RefObject<HTMLHeadingElement | null>;
  /** Closes the panel and gives the focus back. */
  close: () => void;
  onKeyDown: (event: KeyboardEvent) => void;
  onFocus: (event: FocusEvent) => void;
}

/**
 * Takes the focus for each student that the panel shows, and gives it back on close.
 * Where what has the focus goes (a violation that is dismissed has no button any
 * more), the focus stays close by.
 */
export function usePanelFocus(id: string, onClose: () => void): PanelFocus {
  const panel = useRef<HTMLElement>(null);
  const heading = useRef<HTMLHeadingElement>(null);
  const opener = useRef<HTMLElement | null>(null);
  /** What has had the focus, and all that it was in. */
  const path = useRef<HTMLElement[]>([]);
  useEffect(() => {
    const [last] = path.current;
    if (last?.isConnected === false && document.activeElement === document.body) {
      const near = path.current.find((element) => element.isConnected && element.hasAttribute('tabindex'));
      (near ?? heading.current)?.focus();
    }
  });
  useEffect(() => {
    const before = document.activeElement;
    if (before instanceof HTMLElement && panel.current?.contains(before) !== true) {
      opener.current = before;
    }
    panel.current?.scrollTo(0, 0);
    heading.current?.focus();
  }, [id]);
  const close = () => {
    flushSync(onClose);
    if (opener.current !== null) {
      giveBack(opener.current, LOOKS);
    }
  };

  return {
    panel,
    heading,
    close,
    onKeyDown: (event) => {
      if (event.key === 'Escape' && !event.defaultPrevented) {
        event.preventDefault();
        close();
      }
    },
    onFocus: ({ target }) => {
      path.current = pathOf(target, panel.current);
    },
  };
}

function pathOf(target: Element, panel: HTMLElement | null): HTMLElement[] {
  const path: HTMLElement[] = [];
  for (let at: Element | null = target; at instanceof HTMLElement && at !== panel; at = at.parentElement) {
    path.push(at);
  }

  return path;
}

/** So many frames are waited for a wall that was hidden to draw its tiles again. */
const LOOKS = 30;

/** A tile that was drawn anew meanwhile is another element with the same data-id. */
function giveBack(opener: HTMLElement, looks: number): void {
  const { id } = opener.dataset;
  const there = opener.isConnected || id === undefined ? opener : document.querySelector<HTMLElement>(`[data-id="${CSS.escape(id)}"]`);
  there?.focus();
  if (document.activeElement !== there && looks > 0) {
    requestAnimationFrame(() => {
      giveBack(opener, looks - 1);
    });
  }
}
