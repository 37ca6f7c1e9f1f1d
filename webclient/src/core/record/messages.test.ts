import { readFileSync } from 'node:fs';

import { expect, it } from 'vitest';

import { SERVER_ERROR_CODES } from '../wire';
import { pictureResult, refusalText, stateName, violationName } from './messages';

const go = (file: string) => readFileSync(new URL(`../../../../${file}`, import.meta.url), 'utf8');
const names = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([, name]) => name ?? '');

it('every observation of the server has a name for people', () => {
  const kinds = names(go('scoring/policy/observation.go'), /^\t\w+ += "(\w+)"/gm);
  expect(kinds.length).toBeGreaterThan(5);
  expect(kinds.filter((kind) => violationName(kind) === kind)).toEqual([]);
});

it('every violation type of the default policy has one', () => {
  const kinds = names(go('test/browser/stack/exam.go'), /rule\("(\w+)"/g);
  expect(kinds).toHaveLength(8);
  expect(kinds.filter((kind) => violationName(kind) === kind)).toEqual([]);
});

it('what nobody knows yet keeps its own name', () => {
  expect([violationName('Juggling'), stateName('Asleep')]).toEqual(['Juggling', 'Asleep']);
  expect(pictureResult('Odd')).toContain('Odd');
});

it('every refusal says something', () => {
  for (const code of [...SERVER_ERROR_CODES, 'Network', 'Odd']) {
    expect(refusalText(code).length, code).toBeGreaterThan(10);
  }
});
