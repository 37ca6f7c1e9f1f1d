// Every screen, in every look, for everybody (WCAG 2.2 AA as far as a program can
// tell), and the whole way by keyboard alone (exam.test.mjs has it up to the room).

import assert from 'node:assert/strict';

import { judge, judgeLooks, unreachable } from '../harness/axe.mjs';
import { scenario } from '../harness/scenario.mjs';
import { serveQuiz, walk, WALK_ALLOW, WALK_FLAGS } from '../harness/screens.mjs';

const quizURL = await serveQuiz();

/** What the quiz's own origin and the walk bring with them. */
const OPTIONS = { flags: [...WALK_FLAGS, `--content-url=${quizURL}`], origins: [quizURL], allow: WALK_ALLOW };

scenario('every screen is accessible, in light and dark, wide and at 320 px', OPTIONS, async (it) => {
  const device = await it.device({ reducedMotion: 'reduce' });
  const found = [];
  const visited = [];
  await walk(it, device, async (page, screen) => {
    visited.push(screen);
    found.push(...await judgeLooks(page, screen));
    found.push(...(await unreachable(page)).map((problem) => `${screen}: ${problem}`));
  });
  assert.deepEqual(found, []);
  assert.equal(visited.length, 9);
});

scenario('every screen is accessible with its movements, too, once they have ended', OPTIONS, async (it) => {
  const device = await it.device({ reducedMotion: 'no-preference' });
  const found = [];
  const moving = new Set();
  await walk(it, device, async (page, screen) => {
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme });
      (await settled(page)).forEach((name) => moving.add(name));
      found.push(...(await judge(page)).map((problem) => `${screen}, ${colorScheme}: ${problem}`));
    }
  });
  assert.deepEqual(found, []);
  console.log(`# what moves for ever: ${[...moving].join(', ') || 'nothing'}`);
});

/** Waits for movements that end; returns the names of those that do not. */
function settled(page) {
  return page.evaluate(async () => {
    const endless = ({ effect }) => effect.getComputedTiming().iterations === Infinity;
    for (;;) {
      const running = document.getAnimations().filter((animation) => !endless(animation) && animation.playState === 'running');
      if (running.length === 0) {
        return document.getAnimations().filter(endless).map((animation) => animation.animationName ?? animation.transitionProperty);
      }
      // One that is taken back has nothing to wait for.
      await Promise.allSettled(running.map(({ finished }) => finished));
    }
  });
}
