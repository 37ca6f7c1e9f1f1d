// Puts the licences of everything that is shipped with the page into one file beside
// it, as they ask for. A package whose text is nowhere fails the build.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Plugin } from 'vite';

import { ENGINE_FILES } from '../src/core/detector/engines.ts';

const MODULES = join(import.meta.dirname, '..', 'node_modules');
/** Ours, the unchanged text. MediaPipe's packages name it and bring no copy. */
const APACHE = join(import.meta.dirname, '..', '..', 'LICENSE');
const FILE = 'licenses.txt';
const RULE = `\n${'-'.repeat(80)}\n\n`;

interface Package {
  version: string;
  license?: string;
  homepage?: string;
}

export function licenses(): Plugin {
  return {
    name: 'invigil:licenses',
    apply: 'build',
    generateBundle(_options, bundle) {
      const bundled = Object.values(bundle)
        .flatMap((output) => (output.type === 'chunk' ? output.moduleIds : []))
        .flatMap((id) => /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(id)?.[1] ?? []);
      const copied = Object.values(ENGINE_FILES).map((engine) => engine.package);
      const texts = [...new Set([...bundled, ...copied])].sort().map((name) => {
        const text = licenseOf(name);
        if (text === null) {
          this.error(`${name} has no licence text that could be shipped with it`);
        }

        return text;
      });
      this.emitFile({
        type: 'asset',
        fileName: FILE,
        source: ['The page contains these packages, unchanged but for being bundled.\n', ...texts].join(RULE),
      });
    },
  };
}

/** The package's name and terms, or null if nobody has the text. */
function licenseOf(name: string): string | null {
  const folder = join(MODULES, name);
  const { version, license = '', homepage = '' } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Package;
  const files = readdirSync(folder).filter((file) => /^(licen[cs]e|notice)/i.test(file)).sort();
  if (files.length === 0 && license === 'Apache-2.0' && existsSync(APACHE)) {
    return `${name} ${version} (${license}) ${homepage}\n\n${readFileSync(APACHE, 'utf8').trim()}\n`;
  }
  if (files.length === 0) {
    return null;
  }
  const text = files.map((file) => readFileSync(join(folder, file), 'utf8').trim()).join('\n\n');

  return `${name} ${version} (${license}) ${homepage}\n\n${text}\n`;
}
