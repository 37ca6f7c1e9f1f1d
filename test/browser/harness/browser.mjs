// One Chromium with a video file as camera, that reaches nothing but loopback,
// and what it did: console, requests, violations of the page's policy.

import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';

import { chromium } from 'playwright-core';

const QUIET = [
  '--disable-quic',
  '--no-first-run',
  '--no-default-browser-check',
  '--disable-background-networking',
  '--disable-client-side-phishing-detection',
  '--disable-component-update',
  '--disable-domain-reliability',
  '--disable-sync',
  '--metrics-recording-only',
  '--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1 , EXCLUDE localhost',
];

const CAMERA = ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'];

export async function launch(dir, { camera, args = [], noCamera = false, viewport, colorScheme, reducedMotion } = {}) {
  const profile = await mkdtemp(join(dir, 'profile-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    // Playwright's own headless would be the old one.
    headless: false,
    args: [
      '--headless=new',
      '--no-sandbox',
      '--disable-dev-shm-usage',
      // The tests may run where loopback is the only interface.
      '--allow-loopback-in-peer-connection',
      ...QUIET,
      ...(noCamera ? [] : CAMERA),
      ...(camera === undefined ? [] : [`--use-file-for-fake-video-capture=${camera}`]),
      // Last, as of two equal flags Chromium takes the later one.
      ...args,
    ],
    viewport: viewport ?? { width: 1280, height: 800 },
    colorScheme: colorScheme ?? 'light',
    reducedMotion: reducedMotion ?? 'no-preference',
  });
  const log = { console: [], errors: [], requests: [], policy: [] };
  await context.exposeBinding('reportPolicyViolation', (_source, text) => log.policy.push(text));
  await context.addInitScript(watchPage);
  context.on('request', (request) => log.requests.push(request.url()));
  context.on('console', (message) => {
    const where = message.location().url;
    const text = `${message.type()}: ${message.text()}${where === '' ? '' : ` (${where})`}`;
    log.console.push(text);
    if (message.type() === 'error') {
      log.errors.push(text);
    }
  });
  context.on('weberror', (error) => log.errors.push(`uncaught: ${error.error().stack}`));
  const watchSockets = (page) => page.on('websocket', (socket) => log.requests.push(socket.url()));
  // The first page is there before anybody can listen for it.
  context.pages().forEach(watchSockets);
  context.on('page', watchSockets);

  return { context, log, profile };
}

/** Runs in the page: keeps its peer connections for getStats. */
function watchPage() {
  const peers = [];
  window.peersOfTest = peers;
  window.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(...args) {
      super(...args);
      peers.push(this);
    }
  };
  document.addEventListener('securitypolicyviolation', (event) => {
    window.reportPolicyViolation(`${event.violatedDirective}: ${event.blockedURI}`);
  });
}

/** What the page's newest connection has encoded and sent, all layers together. */
export function sent(page) {
  return page.evaluate(async () => {
    const peer = window.peersOfTest.at(-1);
    const report = peer === undefined ? new Map() : await peer.getStats();
    const layers = [...report.values()].filter(({ type }) => type === 'outbound-rtp');
    const sum = (field) => layers.reduce((total, layer) => total + (layer[field] ?? 0), 0);

    return {
      frames: sum('framesEncoded'),
      bytes: sum('bytesSent'),
      width: Math.max(0, ...layers.map(({ frameWidth }) => frameWidth ?? 0)),
      codec: report.get(layers[0]?.codecId)?.mimeType ?? '',
    };
  });
}
