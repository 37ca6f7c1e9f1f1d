import type { ReactNode } from 'react';

import { recordTexts } from '../../core/record/messages';
import type { ExamInfo } from '../../core/wire';

/** The bar above each view: which exam, and what can be done. */
export function ReviewHead({ exam, children }: { exam: ExamInfo | null; children?: ReactNode }) {
  return (
    <header className="review-head">
      <svg className="mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
        <rect width="32" height="32" rx="7" />
        <circle cx="16" cy="16" r="8.5" />
        <circle cx="16" cy="16" r="3" />
      </svg>
      <p className="exam-title">{exam?.title ?? recordTexts.review.title}</p>
      <nav className="actions" aria-label={recordTexts.review.title}>
        {children}
      </nav>
    </header>
  );
}
