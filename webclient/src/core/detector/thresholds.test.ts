import { readFileSync } from 'node:fs';

import { expect, it } from 'vitest';

import { DEFAULT_THRESHOLDS } from './thresholds';

const read = (path: string) => readFileSync(new URL(`../../../../${path}`, import.meta.url), 'utf8');

it('an Exam may name exactly the thresholds that there are', () => {
  const enumeration = /Enum=([A-Za-z;]+)\ntype ThresholdName/.exec(read('api/v1alpha1/detector_types.go'));

  expect(enumeration?.[1]?.split(';')).toEqual(Object.keys(DEFAULT_THRESHOLDS));
});

it('the API refuses pairs by the defaults that hold here', () => {
  const rules = [...read('api/v1alpha1/detector_types.go').matchAll(
    /name == '(\w+)'\)\.map\(t, double\(t\.value\)\) \+ \[([\d.]+)\]\)\[0\]/g,
  )];

  expect(rules).toHaveLength(16);
  for (const [, name, value] of rules) {
    expect([name, Number(value)]).toEqual([name, DEFAULT_THRESHOLDS[name as keyof typeof DEFAULT_THRESHOLDS]]);
  }
});

it('the documentation has their defaults', () => {
  const rows = [...read('docs/detector.md').matchAll(/^\| (`\w+`(?:, `\w+`)?) \| ([\d., ]+) \| [\d.]+ to [\d.]+ \|/gm)];
  const documented = rows.flatMap(([, names = '', values = '']) => {
    const numbers = values.split(',').map(Number);

    return names.replaceAll('`', '').split(', ').map((name, index) => [name, numbers[index]]);
  });

  expect(Object.fromEntries(documented)).toEqual(DEFAULT_THRESHOLDS);
});
