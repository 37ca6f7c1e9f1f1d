// Puts the face models' libraries beside the page, compressed: scoring sends them
// as they are, and they would be 28 MB of its binary instead of 11.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

import type { Plugin } from 'vite';

import { ENGINE_FILES } from '../src/core/detector/engines.ts';

const MODULES = join(import.meta.dirname, '..', 'node_modules');

export function engineFiles(): Plugin {
  return {
    name: 'invigil:engine-files',
    apply: 'build',
    generateBundle() {
      for (const { package: name, version, folder, files } of Object.values(ENGINE_FILES)) {
        const installed = JSON.parse(readFileSync(join(MODULES, name, 'package.json'), 'utf8')) as { version: string };
        if (installed.version !== version) {
          this.error(`${name} is installed as ${installed.version}; src/core/detector/engines.ts wants ${version}`);
        }
        for (const file of files) {
          this.emitFile({
            type: 'asset',
            fileName: `${folder}${file}.gz`,
            source: gzipSync(readFileSync(join(MODULES, name, file)), { level: 9 }),
          });
        }
      }
    },
  };
}
