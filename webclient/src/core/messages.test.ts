import { readFileSync } from 'node:fs';

import { expect, it } from 'vitest';

import { errorText, errorTexts, warningText } from './messages';
import { SERVER_ERROR_CODES } from './wire';

// The Go side of the contract: a code added there must get its words here.
const go = readFileSync(new URL('../../../internal/wire/errors.go', import.meta.url), 'utf8');
const goCodes = [...go.matchAll(/ErrorCode = "(\w+)"/g)].map(([, code]) => code ?? '');

it('the page knows every code of the server', () => {
  expect(goCodes.length).toBeGreaterThan(20);
  expect([...SERVER_ERROR_CODES].sort()).toEqual([...goCodes].sort());
});

it('every code says what happened and what to do', () => {
  for (const [code, text] of Object.entries(errorTexts)) {
    for (const part of [text.title, text.what, text.todo]) {
      expect(part.length, code).toBeGreaterThan(8);
    }
  }
});

it('an unknown code is our fault', () => {
  expect(errorText('Nonsense')).toBe(errorTexts.Internal);
});

it('an unknown violation still has words', () => {
  expect(warningText('Juggling')).toContain('invigilator');
});
