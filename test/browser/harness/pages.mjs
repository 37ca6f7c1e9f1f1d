// A server for pages of the tests' own, bundled by the web client's Vite. What is
// not such a page goes to the SFU, as it goes through scoring in the product: the
// SFU's WHIP is for its own origin only. (Playwright's routes would not do: to
// Chromium such a page is from nowhere, and nowhere may not talk to loopback.)

import { readFile } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { here, root } from './paths.mjs';

const { resolve } = createRequire(join(root, 'webclient', 'package.json'));
const bundles = new Map();

/** The bundle of wall/<name>.mjs and what it imports. */
function bundle(name) {
  if (!bundles.has(name)) {
    bundles.set(name, build(name));
  }

  return bundles.get(name);
}

async function build(name) {
  const vite = await import(pathToFileURL(join(resolve('vite/package.json'), '..', 'dist', 'node', 'index.js')));
  const [{ output }] = [await vite.build({
    configFile: false,
    root: join(here, 'wall'),
    logLevel: 'warn',
    build: {
      write: false,
      minify: false,
      target: 'es2022',
      lib: { entry: join(here, 'wall', `${name}.mjs`), formats: ['es'], fileName: name },
    },
  })].flat();

  return output[0].code;
}

/** Serves /test/<name>.html: wall/<name>.html, or an empty page with the bundle. */
export async function servePages(sfu) {
  const server = createServer((incoming, outgoing) => {
    const [, name, kind] = /^\/test\/(\w+)\.(html|js)$/.exec(incoming.url) ?? [];
    if (incoming.url === '/favicon.ico') {
      outgoing.writeHead(204).end();

      return;
    }
    if (name === undefined) {
      forward(sfu, incoming, outgoing);

      return;
    }
    const body = kind === 'js' ? bundle(name) : pageOf(name);
    outgoing.setHeader('Content-Type', kind === 'js' ? 'text/javascript' : 'text/html');
    body.then((text) => outgoing.end(text), (error) => outgoing.writeHead(500).end(String(error)));
  });
  await new Promise((listening) => { server.listen(0, '127.0.0.1', listening); });

  return {
    origin: `http://127.0.0.1:${server.address().port}`,
    close: () => new Promise((closed) => {
      server.close(closed);
      server.closeAllConnections();
    }),
  };
}

function pageOf(name) {
  return readFile(join(here, 'wall', `${name}.html`), 'utf8')
    .catch(() => `<!doctype html><title>${name}</title><script type="module" src="${name}.js"></script>`);
}

function forward(sfu, incoming, outgoing) {
  const { method, url, headers } = incoming;
  const onward = request(new URL(url, sfu), { method, headers }, (answer) => {
    outgoing.writeHead(answer.statusCode, answer.headers);
    answer.pipe(outgoing);
  });
  onward.on('error', () => outgoing.writeHead(502).end());
  incoming.pipe(onward);
}

/** Opens one of the pages, once its script has run. */
export async function openPage(context, { origin }, name) {
  const page = await context.newPage();
  await page.goto(`${origin}/test/${name}.html`);

  return page;
}
