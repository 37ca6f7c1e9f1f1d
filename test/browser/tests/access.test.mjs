// Every screen, in every look, for everybody (WCAG 2.2 AA as far as a program can
// tell), and the whole way by keyboard alone (exam.test.mjs has it up to the room).

import assert from 'node:assert/strict';

import { judgeLooks, unreachable } from '../harness/axe.mjs';
import { scenario } from '../harness/scenario.mjs';
import { serveQuiz, walk, WALK_ALLOW, WALK_FLAGS } from '../harness/screens.mjs';

const quizURL = await serveQuiz();

scenario('every screen is accessible, in light and dark, wide and at 320 px', {
  flags: [...WALK_FLAGS, `--content-url=${quizURL}`], origins: [quizURL], allow: WALK_ALLOW,
}, async (it) => {
  const device = await it.device({ reducedMotion: 'reduce' });
  const found = [];
  const visited = [];
  await walk(it, device, async (page, screen) => {
    visited.push(screen);
    found.push(...await judgeLooks(page, screen));
    found.push(...(await unreachable(page)).map((problem) => `${screen}: ${problem}`));
  });
  assert.deepEqual(found, []);
  assert.equal(visited.length, 9);
});
