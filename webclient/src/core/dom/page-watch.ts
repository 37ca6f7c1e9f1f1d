// Whether this page is visible and in front. document.hasFocus() is asked rather
// than counting blur events: it stays true while the focus is in the quiz frame.

import type { PageWatch } from '../parts';

export const pageWatch: PageWatch = {
  visible: () => document.visibilityState === 'visible',
  focused: () => document.hasFocus(),
  watch: (changed) => {
    const ended = new AbortController();
    const { signal } = ended;
    document.addEventListener('visibilitychange', changed, { signal });
    window.addEventListener('blur', changed, { signal });
    window.addEventListener('focus', changed, { signal });

    return () => {
      ended.abort();
    };
  },
};
