import type { ReactNode } from 'react';

import { texts } from '../../core/messages';
import type { State } from '../../core/session';

const STEPS = ['notice', 'camera', 'exam'] as const;

interface ShellProps {
  state?: State;
  /** Where the student is on the way in; absent once that is over. */
  step?: (typeof STEPS)[number];
  children: ReactNode;
}

/** The frame of every screen outside the exam room: who asks, how far, one card. */
export function Shell({ state, step, children }: ShellProps) {
  return (
    <div className="shell">
      <header className="shell-head">
        <Mark />
        <p className="exam-title">{state?.exam?.title ?? texts.examFallback}</p>
        {step !== undefined && (
          <ol className="steps" aria-label={texts.steps.label}>
            {STEPS.map((name) => (
              <li key={name} aria-current={name === step ? 'step' : undefined}>
                {texts.steps[name]}
              </li>
            ))}
          </ol>
        )}
      </header>
      <main className="card">{children}</main>
    </div>
  );
}

export function Mark() {
  return (
    <svg className="mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <rect width="32" height="32" rx="7" />
      <circle cx="16" cy="16" r="8.5" />
      <circle cx="16" cy="16" r="3" />
    </svg>
  );
}
