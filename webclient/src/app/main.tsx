import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';

import { openSession } from '../core/dom/open-session';
import { LANG } from '../core/format';
import { ExamPage } from '../features/exam/exam-page';
import './tokens.css';
import './page.css';

const root = document.getElementById('root');
if (root === null) {
  throw new Error('index.html has no #root');
}
document.documentElement.lang = LANG;
// Outside React: the session lives as long as the page, whatever is rendered.
const session = openSession();

createRoot(root).render(
  <StrictMode>
    <ExamPage session={session} />
  </StrictMode>,
);
