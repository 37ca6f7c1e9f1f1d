// How well the face detector tells the footage's truth, on the real page in real
// Chromium: prints a table and writes bin/bench/detector.json. docs/detector.md
// says what it means.
//
//   MINUTES=5  how long ordinary behaviour is played

import { mkdir, writeFile } from 'node:fs/promises';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';

import { truths } from '../harness/camera.mjs';
import { calm, events, ordinary, shows, speech } from '../harness/clips.mjs';
import { compare, measured, MUST_LAST, play, shortTTL, spansOf } from '../harness/detector.mjs';
import { root } from '../harness/paths.mjs';
import { until } from '../harness/poll.mjs';
import { scenario } from '../harness/scenario.mjs';

const minutes = Number(process.env.MINUTES ?? 5);
const truth = await truths();
const show = (id) => (truth.has(id) ? shows(truth.get(id)) : null);
const runs = [];

/** Plays a clip for so long and keeps what was due, reported and wrong. */
function run(name, clip, seconds, showIn) {
  scenario(name, {}, async (it) => {
    await shortTTL(it.stack);
    const { page, reported } = await play(it, 's1', clip);
    const end = Date.now() + seconds * 1_000;
    await until('the time is over', () => Date.now() > end, seconds * 1_000 + 60_000);
    const frames = await measured(page);
    const { due, wrong } = compare(spansOf(frames, showIn), reported, MUST_LAST);
    const known = frames.filter(({ id, faces }) => truth.has(id) && faces !== null);
    runs.push({
      name,
      seconds: (frames.at(-1).at - frames[0].at) / 1_000,
      frames: frames.length,
      counts: { right: known.filter(({ id, faces }) => faces.length === truth.get(id).faces).length, of: known.length },
      workMs: quantiles(frames.map(({ workMs }) => workMs)),
      due,
      wrong,
    });
  });
}

const length = (clip) => clip.reduce((sum, [, seconds]) => sum + seconds, 0);
const everything = events({ bothSides: true });
run('events', everything, 2 * length(everything), show);
const talk = [...calm(8), ...speech(5)];
// The mouth's pictures mean speech here; between two syllables it is closed for a moment.
run('speech', talk, 4 * length(talk), speechIn());
// A still picture without any noise, as a frozen camera or a looped one.
run('frozen', [['one', 1]], 45, () => 'LowQuality');
run('a small second face', [...calm(4), ['behind-small', 4]], 24, (id) => (truth.get(id)?.file === 'behind-small.jpg' ? 'MultipleFaces' : null));
run('ordinary', ordinary(60), 60 * minutes, show);

after(async () => {
  const result = { at: new Date().toISOString(), cpus: cpus().length, load: loadavg(), runs };
  const file = join(root, 'bin', 'bench', 'detector.json');
  await mkdir(join(root, 'bin', 'bench'), { recursive: true });
  await writeFile(file, JSON.stringify(result, null, 2));
  print();
});

/** Speech goes on while one of the mouth's pictures was seen within half a second. */
function speechIn() {
  let quiet = Infinity;

  return (id) => {
    quiet = /^mouth/.test(truth.get(id)?.file ?? '') ? 0 : quiet + 1;

    return quiet <= 3 ? 'Speaking' : null;
  };
}

function quantiles(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share) => Math.round((sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0) * 10) / 10;

  return { p50: at(0.5), p90: at(0.9), max: at(1) };
}

function print() {
  console.log('\nclip | violation | due | reported | late ms (median, worst) | wrongly reported');
  for (const { name, due, wrong } of runs) {
    const types = new Set([...due, ...wrong].map(({ type }) => type));
    for (const type of types) {
      const mine = due.filter((one) => one.type === type);
      const delays = mine.map(({ delayMs }) => delayMs).filter((delay) => delay !== null);
      const { p50, max } = quantiles(delays);
      const late = delays.length === 0 ? '-' : `${Math.round(p50)}, ${Math.round(max)}`;
      console.log(`${name} | ${type} | ${mine.length} | ${delays.length} | ${late} | ${wrong.filter((one) => one.type === type).length}`);
    }
    if (types.size === 0) {
      console.log(`${name} | - | 0 | 0 | - | 0`);
    }
  }
  console.log('\nclip | seconds | frames/s | face counts right | ms per frame (median, p90, max)');
  for (const { name, seconds, frames, counts, workMs } of runs) {
    console.log(`${name} | ${seconds.toFixed(0)} | ${(frames / seconds).toFixed(1)} | ${counts.right} of ${counts.of} | ${workMs.p50}, ${workMs.p90}, ${workMs.max}`);
  }
}
