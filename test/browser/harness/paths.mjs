import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const here = dirname(dirname(fileURLToPath(import.meta.url)));
export const root = join(here, '..', '..');
export const artifacts = join(root, 'test', 'artifacts', 'browser');
