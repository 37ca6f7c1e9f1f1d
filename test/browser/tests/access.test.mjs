// Every screen, in every look, for everybody (WCAG 2.2 AA as far as a program can
// tell), and the whole way by keyboard alone (exam.test.mjs has it up to the room).

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';

import { scenario } from '../harness/scenario.mjs';
import { serveQuiz, walk, WALK_ALLOW, WALK_FLAGS } from '../harness/screens.mjs';

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const quizURL = await serveQuiz();

const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** What the quiz's own origin and the walk bring with them. */
const OPTIONS = { flags: [...WALK_FLAGS, `--content-url=${quizURL}`], origins: [quizURL], allow: WALK_ALLOW };

scenario('every screen is accessible, in light and dark, wide and at 320 px', OPTIONS, async (it) => {
  const device = await it.device({ reducedMotion: 'reduce' });
  const found = [];
  const visited = [];
  await walk(it, device, async (page, screen) => {
    visited.push(screen);
    for (const colorScheme of ['light', 'dark']) {
      for (const width of [1280, 320]) {
        await page.emulateMedia({ colorScheme });
        await page.setViewportSize({ width, height: 800 });
        const where = `${screen}, ${colorScheme}, ${width} px`;
        found.push(...(await judge(page)).map((problem) => `${where}: ${problem}`));
      }
    }
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

async function judge(page) {
  // In the isolated world of the test's own, so that the page's policy stays strict.
  const session = await page.context().newCDPSession(page);
  const { frameTree } = await session.send('Page.getFrameTree');
  const { executionContextId } = await session.send('Page.createIsolatedWorld', { frameId: frameTree.frame.id });
  const evaluate = async (expression) => {
    const { result, exceptionDetails } = await session.send('Runtime.evaluate', {
      expression, contextId: executionContextId, awaitPromise: true, returnByValue: true,
    });
    assert.equal(exceptionDetails, undefined, JSON.stringify(exceptionDetails));

    return result.value;
  };
  await evaluate(`${axe};0`);
  const options = { runOnly: TAGS, iframes: false, resultTypes: ['violations'] };
  const problems = await evaluate(`axe.run(document, ${JSON.stringify(options)}).then(({ violations }) =>
    violations.map(({ id, help, nodes }) => id + ': ' + help + ' ' + nodes.map(({ html }) => html).join(' ')))`);
  const wide = await evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth');
  await session.detach();

  return wide > 0 ? [...problems, `${wide} px have to be scrolled sideways`] : problems;
}

/** What can be pressed and cannot be reached by Tab, or gets no ring there. */
function unreachable(page) {
  return page.evaluate(async () => {
    const wrong = [];
    for (const element of document.querySelectorAll('#root button, #root a, #root select')) {
      element.focus({ focusVisible: true });
      const { outlineStyle, outlineWidth } = getComputedStyle(element);
      if (document.activeElement !== element || outlineStyle === 'none' || parseFloat(outlineWidth) < 2) {
        wrong.push(`${element.textContent}: no visible focus`);
      }
      const { width, height } = element.getBoundingClientRect();
      if (width < 24 || height < 24) {
        wrong.push(`${element.textContent}: a target of ${width}x${height} px`);
      }
    }
    document.querySelector('h1')?.focus();

    return wrong;
  });
}
