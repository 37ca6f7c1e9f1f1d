import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

import { engineFiles } from './build/engine-files.ts';
import { licenses } from './build/licenses.ts';

export default defineConfig({
  plugins: [react(), engineFiles(), licenses()],
  // The page is served below /x/<namespace>/<exam>/, which is unknown at build
  // time, so every asset is addressed relative to the page.
  base: './',
  build: {
    // The student's page, and the invigilators' two.
    rolldownOptions: { input: ['index.html', 'wall.html'] },
    target: 'es2022',
    // A data: URL would need a hole in the Content-Security-Policy.
    assetsInlineLimit: 0,
    // The polyfill is an inline script's worth of code for browsers that have
    // no WebRTC either.
    modulePreload: { polyfill: false },
    // Half of what is built is compressed already.
    reportCompressedSize: false,
  },
});
