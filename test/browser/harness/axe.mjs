// What a program can tell of a page's accessibility: axe, sideways scrolling, and
// the focus.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** Judges a page in light and dark, wide and at 320 px; returns what is wrong, in words. */
export async function judgeLooks(page, screen, { before = async () => undefined } = {}) {
  const found = [];
  for (const colorScheme of ['light', 'dark']) {
    for (const width of [1280, 320]) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height: 800 });
      const where = `${screen}, ${colorScheme}, ${width} px`;
      await before(page, where);
      found.push(...(await judge(page)).map((problem) => `${where}: ${problem}`));
    }
  }

  return found;
}

export async function judge(page) {
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
  const out = await evaluate(`[...document.querySelectorAll('#root *')].filter((element) =>
    element.getBoundingClientRect().right > document.documentElement.clientWidth).slice(0, 3).map(({ outerHTML }) => outerHTML.slice(0, 90)).join(' ')`);
  await session.detach();

  return wide > 0 ? [...problems, `${wide} px have to be scrolled sideways: ${out}`] : problems;
}

/** What can be pressed and cannot be reached by Tab, or gets no ring there. */
export function unreachable(page) {
  return page.evaluate(async () => {
    const wrong = [];
    for (const element of document.querySelectorAll('#root button, #root a, #root select')) {
      if (!element.checkVisibility()) {
        continue;
      }
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
