import { readFileSync } from 'node:fs';

import { expect, it } from 'vitest';

import { CANONICAL_BASIS } from './canonical-face';

const PACKAGE = new URL('../../../node_modules/@mediapipe/face_mesh/', import.meta.url);
const PACKED = 'face_mesh_solution_packed_assets';

interface Field {
  number: number;
  data: Buffer;
}

it('is what the package ships', () => {
  const file = fields(geometry());
  const vertices = fields(file.find(({ number }) => number === 1)?.data ?? Buffer.alloc(0))
    .filter(({ number }) => number === 3)
    .flatMap(({ data }) => floats(data));
  // Five numbers a vertex: x, y, z and where it is in a texture.
  expect(vertices).toHaveLength(468 * 5);
  const basis = file
    .filter(({ number }) => number === 2)
    .map(({ data }) => {
      const [id, weight] = [1, 2].map((wanted) => fields(data).find(({ number }) => number === wanted)?.data);
      const index = id === undefined ? 0 : varint(id, 0)[0];

      return [index, ...floats(weight ?? Buffer.alloc(0)), ...vertices.slice(index * 5, index * 5 + 3)];
    });
  expect(basis).toHaveLength(CANONICAL_BASIS.length);
  CANONICAL_BASIS.forEach((row, i) => {
    row.forEach((value, j) => {
      expect(value).toBeCloseTo(basis[i]?.[j] ?? NaN, 5);
    });
  });
});

it('is symmetric, so that it leans to no side', () => {
  const sum = CANONICAL_BASIS.reduce((total, [, weight, x]) => total + weight * x, 0);
  expect(sum).toBeCloseTo(0, 9);
});

/** The metadata out of the package's one data file, by its loader's own list. */
function geometry(): Buffer {
  const loader = readFileSync(new URL(`${PACKED}_loader.js`, PACKAGE), 'utf8');
  const [, start, end] = /geometry_pipeline_metadata_landmarks\.binarypb", "start": (\d+), "end": (\d+)/.exec(loader) ?? [];

  return readFileSync(new URL(`${PACKED}.data`, PACKAGE)).subarray(Number(start), Number(end));
}

/** The fields of a protobuf message; a number is kept in its encoding. */
function fields(message: Buffer): Field[] {
  const found: Field[] = [];
  let at = 0;
  while (at < message.length) {
    const [key, body] = varint(message, at);
    const kind = key & 7;
    let end: number;
    let from = body;
    if (kind === 0) {
      end = varint(message, body)[1];
    } else if (kind === 5) {
      end = body + 4;
    } else {
      const [length, content] = varint(message, body);
      from = content;
      end = content + length;
    }
    found.push({ number: key >> 3, data: message.subarray(from, end) });
    at = end;
  }

  return found;
}

function varint(data: Buffer, at: number): [value: number, next: number] {
  let value = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = data[at] ?? 0;
    at += 1;
    value += (byte & 127) * 2 ** shift;
    if (byte < 128) {
      return [value, at];
    }
  }
}

function floats(data: Buffer): number[] {
  return Array.from({ length: data.length / 4 }, (_, i) => data.readFloatLE(i * 4));
}
