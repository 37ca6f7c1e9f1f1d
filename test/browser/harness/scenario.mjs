// One test: its own servers, its own browsers, and at the end the rules that
// every page keeps: no request to another origin, nothing that its policy
// forbids, no error on the console but the ones that the scenario plays.

import assert from 'node:assert/strict';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { launch } from './browser.mjs';
import { cameraFile, ONE_PERSON } from './camera.mjs';
import { servePages } from './pages.mjs';
import { artifacts } from './paths.mjs';
import { until } from './poll.mjs';
import { startStack } from './stack.mjs';

/**
 * options.flags: of the stack. options.allow: console errors that belong to the
 * scenario. options.origins: what else may be requested (the quiz). options.wall:
 * there are the tests' own pages (pages.mjs), which speak to the SFU; a student's
 * never does.
 */
export function scenario(name, options, run) {
  test(name, async () => {
    const dir = await mkdtemp(join(tmpdir(), 'invigil-browser-'));
    const browsers = [];
    let stack = null;
    let pages = null;
    try {
      stack = await startStack(dir, options.flags);
      pages = options.wall === true ? await servePages(stack.sfu) : null;
      const it = new Scenario(name, dir, stack, browsers, pages);
      await run(it);
      await Promise.all(browsers.map(({ context }) => context.close()));
      for (const { log } of browsers) {
        judge(log, pages === null ? [stack.base] : [pages.origin, stack.sfu], options);
      }
    } catch (error) {
      await keep(name, dir, browsers);
      throw error;
    } finally {
      await Promise.allSettled(browsers.map(({ context }) => context.close()));
      await pages?.close();
      await stack?.stop();
      await rm(dir, { recursive: true, force: true });
    }
  });
}

/** "anyway" where the device check has advice. */
export const ENTER = /^Enter (the exam|anyway)$/;

class Scenario {
  constructor(name, dir, stack, browsers, pages) {
    Object.assign(this, { name, dir, stack, browsers, pages });
  }

  /** A device of its own, with its own camera. */
  async device({ footage = ONE_PERSON, ...options } = {}) {
    const camera = options.noCamera ? undefined : await cameraFile(this.dir, ...footage);
    const browser = await launch(this.dir, { camera, ...options });
    this.browsers.push(browser);

    return browser;
  }

  async open(browser, url) {
    const page = browser.context.pages()[0]?.url() === 'about:blank'
      ? browser.context.pages()[0]
      : await browser.context.newPage();
    await page.goto(url);

    return page;
  }

  /** Through notice and camera check into the exam, as a student goes. */
  async enter(page, student) {
    await page.getByRole('button', { name: 'I understand, start' }).click();
    await page.getByRole('button', { name: ENTER }).click();
    await connected(page);
    await this.streams(student, true);
  }

  /** What is in the exam's evidence under this key. */
  evidence(key) {
    return readFile(join(this.dir, 'evidence', key));
  }

  streams(student, want) {
    return until(`${student} streaming: ${want}`, async () => {
      const session = await this.stack.session(student);

      return session?.streaming === want && session;
    });
  }

  /** A picture of this step, when SCREENSHOTS names a folder. */
  async shot(page, step) {
    if (process.env.SCREENSHOTS !== undefined) {
      await mkdir(process.env.SCREENSHOTS, { recursive: true });
      await page.screenshot({ path: join(process.env.SCREENSHOTS, `${step}.png`) });
    }
  }
}

/** What a test stands on, without one. */
export function scenarioOn(dir, stack) {
  return new Scenario('', dir, stack, [], null);
}

export function connected(page) {
  return page.locator('.connection.live').waitFor({ timeout: 20_000 });
}

function judge(log, servers, { allow = [], origins = [] }) {
  const own = [...servers, ...origins].map((origin) => new URL(origin).host);
  // A blob is of the page that made it, and its address has the origin of that.
  const hostOf = (url) => new URL(url.replace(/^blob:/, '')).host;
  const strangers = log.requests.filter((url) => !url.startsWith('about:') && !own.includes(hostOf(url)));
  assert.deepEqual(strangers, [], 'requests that left the origin');
  assert.deepEqual(log.policy, [], 'violations of the Content-Security-Policy');
  const errors = log.errors.filter((error) => !allow.some((pattern) => pattern.test(error)));
  assert.deepEqual(errors, [], 'errors on the console');
}

async function keep(name, dir, browsers) {
  const folder = join(artifacts, name.replaceAll(/[^a-z0-9]+/gi, '-'));
  await mkdir(folder, { recursive: true });
  for (const [index, { context, log }] of browsers.entries()) {
    await writeFile(join(folder, `browser-${index}.json`), JSON.stringify(log, null, 2));
    for (const [number, page] of context.pages().entries()) {
      // A page that is gone has no picture; the others still do.
      await page.screenshot({ path: join(folder, `browser-${index}-page-${number}.png`) }).catch(() => undefined);
    }
  }
  for (const file of await readdir(dir)) {
    if (file.endsWith('.log')) {
      await copyFile(join(dir, file), join(folder, file));
    }
  }
}
