// Screenshots that are small enough to be kept.

import { crc32, deflateSync, inflateSync } from 'node:zlib';

/** Text in 32 shades of each colour looks the same, and takes half the bytes. */
const SHADE = 8;

/** The same picture, small enough for a repository: browsers pack for speed. */
export function smaller(png) {
  const chunks = new Map([['IDAT', []]]);
  for (let at = 8; at < png.length;) {
    const length = png.readUInt32BE(at);
    const type = png.toString('latin1', at + 4, at + 8);
    const data = png.subarray(at + 8, at + 8 + length);
    chunks.set(type, type === 'IDAT' ? [...chunks.get(type), data] : data);
    at += length + 12;
  }
  const head = chunks.get('IHDR');
  const bytes = head[9] === 6 ? 4 : 3;
  const width = head.readUInt32BE(0) * bytes;
  const lines = inflateSync(Buffer.concat(chunks.get('IDAT')));
  let above = Buffer.alloc(width);
  const rows = [];
  for (let at = 0; at < lines.length; at += width + 1) {
    above = unfiltered(lines[at], lines.subarray(at + 1, at + 1 + width), above, bytes);
    // Row filter 0: with few shades, whole runs of pixels repeat.
    rows.push(Buffer.from([0]), above.map((value) => Math.min(255, Math.round(value / SHADE) * SHADE)));
  }

  return Buffer.concat([png.subarray(0, 8), ...[
    { type: 'IHDR', data: head },
    { type: 'IDAT', data: deflateSync(Buffer.concat(rows), { level: 9, memLevel: 9 }) },
    { type: 'IEND', data: Buffer.alloc(0) },
  ].map(chunk)]);
}

/** One row of pixels out of a filtered one (PNG specification, section 9). */
function unfiltered(filter, row, above, bytes) {
  const out = Buffer.alloc(row.length);
  for (let i = 0; i < row.length; i += 1) {
    const left = i < bytes ? 0 : out[i - bytes];
    const up = above[i];
    const corner = i < bytes ? 0 : above[i - bytes];
    const [a, b, c] = [left, up, corner].map((value) => Math.abs(left + up - corner - value));
    const paeth = a <= b && a <= c ? left : b <= c ? up : corner;
    out[i] = row[i] + [0, left, up, (left + up) >> 1, paeth][filter];
  }

  return out;
}

function chunk({ type, data }) {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const head = Buffer.alloc(4);
  head.writeUInt32BE(data.length);
  const tail = Buffer.alloc(4);
  tail.writeUInt32BE(crc32(body));

  return Buffer.concat([head, body, tail]);
}
