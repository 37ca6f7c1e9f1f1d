// Builds the naive page for `make bench-wall`, beside what is shipped: ours is
// taken as it is in dist, and not built a second time.

import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

export default defineConfig({
  root: import.meta.dirname,
  plugins: [react()],
  base: './',
  publicDir: '../dist',
  build: {
    rolldownOptions: { input: 'naive.html' },
    outDir: '../../bin/bench/wall-pages',
    emptyOutDir: true,
    target: 'es2022',
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
});
