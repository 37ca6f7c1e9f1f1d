// The feed of an exam that nobody sits (hack/bench/wall), and how many of its news
// a page has a tile for.

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { join } from 'node:path';

import { root } from './paths.mjs';

const folder = join(root, 'bin', 'bench');

/** Serves the pages that are built into bin/bench/wall-pages, and their feed. */
export async function startFeed({ students, rate }) {
  const flags = [`--pages=${join(folder, 'wall-pages')}`, `--students=${students}`, `--rate=${rate}`];
  const child = spawn(join(folder, 'wall-feed'), flags, { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = new Promise((done) => {
    child.once('error', done);
    child.once('exit', (code, signal) => done(new Error(`the feed has ended (${code ?? signal})`)));
  });
  const first = await Promise.race([createInterface({ input: child.stdout })[Symbol.asyncIterator]().next(), ended]);
  if (first instanceof Error || first.done) {
    throw first instanceof Error ? first : await ended;
  }

  return {
    base: JSON.parse(first.value).base,
    async stop() {
      child.stdin.end();
      await ended;
    },
  };
}

/** Before the page is opened. Counts in window.updatesOfTest what is told of each student, before the page hears it. */
export function watchUpdates(context) {
  return context.addInitScript(() => {
    const scores = new Map();
    const counts = { all: 0, mounted: 0 };
    const news = (student) => {
      counts.all += 1;
      const id = CSS.escape(student);
      counts.mounted += document.querySelector(`[data-id="${id}"], [data-student="${id}"]`) === null ? 0 : 1;
    };
    const take = ({ type, sessions, student }) => {
      if (type === 'violation') {
        news(student);
      }
      for (const { student: id, score } of sessions ?? []) {
        // The dice may fall on the same score again.
        if (type === 'delta' && scores.get(id) !== score) {
          news(id);
        }
        scores.set(id, score);
      }
    };
    window.updatesOfTest = counts;
    window.WebSocket = class extends WebSocket {
      constructor(...args) {
        super(...args);
        this.addEventListener('message', ({ data }) => take(JSON.parse(data)));
      }
    };
  });
}
