import { expect, it } from 'vitest';

import { csv, isoTime } from './csv';

const row = (...cells: Parameters<typeof csv>[1][number]) => csv([], [cells]).replace('\uFEFF\r\n', '').slice(0, -2);

it.each([
  ['plain', 'a', 'a'],
  ['comma', 'a,b', '"a,b"'],
  ['quote', 'say "x"', '"say ""x"""'],
  ['line breaks', 'a\nb', '"a\nb"'],
  ['formula', '=1+1', "'=1+1"],
  ['formula with a comma', '=SUM(1,2)', '"\'=SUM(1,2)"'],
  ['plus', '+49', "'+49"],
  ['minus', '-x', "'-x"],
  ['at', '@x', "'@x"],
  ['tab', '\t=x', "'\t=x"],
  ['equals sign inside', 'a=b', 'a=b'],
  ['number', -3, '-3'],
  ['nothing', null, ''],
])('%s', (_name, value, want) => {
  expect(row(value)).toBe(want);
});

it('has a mark for Excel, a head, and CRLF after every row', () => {
  expect(csv(['a', 'b'], [[1, 'x']])).toBe('\uFEFFa,b\r\n1,x\r\n');
});

it('times are UTC, and nothing when not known', () => {
  expect([isoTime(0), isoTime(undefined), isoTime(1_000)]).toEqual(['', '', '1970-01-01T00:00:01.000Z']);
});
