import { lazy, StrictMode, Suspense } from 'react';
import { createRoot } from 'react-dom/client';

import { openWall } from '../core/dom/open-wall';
import { LANG } from '../core/format';
import { wallTexts } from '../core/wall/messages';
import { Banners } from '../features/wall/banners';
import { StudentPanel } from '../features/wall/student/student-panel';
import { WallPage } from '../features/wall/wall-page';
import './tokens.css';
import './wall.css';

// Its charts are not the wall's weight.
const ReviewPage = lazy(async () => ({ default: (await import('../features/review/review-page')).ReviewPage }));

const root = document.getElementById('root');
if (root === null) {
  throw new Error('wall.html has no #root');
}
document.documentElement.lang = LANG;
// Outside React: feed and pictures live as long as the page, whatever is rendered.
const wall = openWall();
const { door, store } = wall;

/** One file for both addresses, wall and review: what they stand on is the same. */
const review = location.pathname.endsWith('/review');

createRoot(root).render(
  <StrictMode>
    {review ? (
      <>
        <Banners wall={wall} />
        <Suspense fallback={<p className="wall-empty">{wallTexts.loading}</p>}>
          <ReviewPage store={store} door={door} />
        </Suspense>
      </>
    ) : (
      <WallPage
        wall={wall}
        renderStudent={(id, video, close) => <StudentPanel id={id} store={store} door={door} video={video} onClose={close} />}
      />
    )}
  </StrictMode>,
);
