import { useCallback, useSyncExternalStore } from 'react';

/** What of the review is shown; it is in the address, so that back and reload work. */
export interface Route {
  student: string | null;
  report: boolean;
}

const STUDENT = 'student';
const REPORT = 'report';
/** The browser tells of back and forward only; of our own steps we do. */
const STEP = 'invigil-step';

function subscribe(told: () => void): () => void {
  window.addEventListener('popstate', told);
  window.addEventListener(STEP, told);

  return () => {
    window.removeEventListener('popstate', told);
    window.removeEventListener(STEP, told);
  };
}

export function useRoute(): [Route, (to: Route) => void] {
  const search = useSyncExternalStore(subscribe, () => window.location.search);
  const query = new URLSearchParams(search);
  const go = useCallback((to: Route) => {
    const next = new URL(window.location.href);
    next.search = '';
    if (to.student !== null) {
      next.searchParams.set(STUDENT, to.student);
      if (to.report) {
        next.searchParams.set(REPORT, '');
      }
    }
    window.history.pushState(null, '', next);
    window.scrollTo(0, 0);
    window.dispatchEvent(new Event(STEP));
  }, []);

  return [{ student: query.get(STUDENT), report: query.has(REPORT) }, go];
}
