// One student as an invigilator sees them: beside the wall, afterwards, on paper.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';

import { judge, judgeLooks, unreachable } from '../harness/axe.mjs';
import { until } from '../harness/poll.mjs';
import { startReporter } from '../harness/reporter.mjs';
import { scenario } from '../harness/scenario.mjs';

const EVIDENCE = { retentionMs: 30 * 24 * 3_600_000, pictureEveryMs: 2_000 };
const TERMINATED = 4411;
/** What Chromium logs of an action that is refused, and of the reporter's page, which is a picture. */
const ALLOW = [/status of 409/, /favicon\.ico/];

scenario('a student beside the wall, then in the review, then on paper', { flags: ['--ends-in=2h'], allow: ALLOW }, async (it) => {
  await it.stack.command(`exam ${JSON.stringify({ evidence: EVIDENCE })}`);
  const student = await plant(it);
  const device = await it.device({ noCamera: true, reducedMotion: 'reduce' });
  await device.context.addInitScript(() => {
    window.print = () => { window.printed = (window.printed ?? 0) + 1; };
  });

  const found = [];
  const look = async (page, screen) => {
    found.push(...await judgeLooks(page, screen, { before: (of, where) => it.shot(of, where.replaceAll(/[ ,]+/g, '-')) }));
    found.push(...(await unreachable(page)).map((problem) => `${screen}: ${problem}`));
    await page.emulateMedia({ colorScheme: 'light' });
    await page.setViewportSize({ width: 1280, height: 800 });
  };

  const wall = await it.open(device, await it.stack.pageOf('wall'));
  await beside(it, wall, student, look);
  await wall.close();

  const review = await it.open(device, await it.stack.pageOf('review'));
  await afterwards(review, look);
  await paper(it, review, look);
  assert.deepEqual(found, []);
});

/** A student with a violation of each severity, and pictures of one from both sides. */
async function plant(it) {
  const device = await it.device({ noCamera: true });
  const student = await startReporter(await device.context.newPage(), it.stack.links.s1);
  await until('s1 is live', async () => (await it.stack.session('s1'))?.state === 'Live');
  for (const types of [['Speaking'], ['FocusLost'], ['FaceMissing'], ['MultipleFaces']]) {
    await student.report(types);
  }
  await until('all are counted', async () => (await it.stack.session('s1')).score === 2 + 5 + 10 + 30);
  await until('scoring keeps evidence', () => student.upload('FaceMissing').then(() => true));

  return student;
}

const panelOf = (page) => page.getByRole('dialog', { name: 'Ada Lovelace' });
const fact = (page, name) => page.locator('.facts > div', { hasText: name }).locator('dd').first().innerText();
const shownPictures = (of) => of.locator('img').evaluateAll((all) => all.filter((img) => img.naturalWidth > 0).length);

async function beside(it, page, student, look) {
  await page.locator('[data-id="s1"]').press('Enter');
  const panel = panelOf(page);
  await panel.waitFor();
  await until('the heading has the focus', () => page.evaluate(() => document.activeElement?.tagName === 'H2'));
  assert.equal(await fact(panel, 'Score'), '47');
  assert.equal(await fact(panel, 'Level'), 'Suspicious');
  const event = (name) => panel.locator('.event', { hasText: name }).filter({ has: page.locator('.pair') });
  await event('Nobody in the picture').scrollIntoViewIfNeeded();
  await until('both pictures are shown', async () => (await shownPictures(event('Nobody in the picture'))) === 2);
  await event('More than one person').getByText('The page has sent none').waitFor();
  await event('Exam not in front').getByText('Only taken of severity high').waitFor();
  await look(page, 'panel');

  // A picture by keyboard: Escape closes it, and not the panel.
  const small = event('Nobody in the picture').getByRole('button', { name: /^Enlarge: Picture received by the server/ });
  await small.focus();
  await page.keyboard.press('Enter');
  await page.getByRole('dialog', { name: /^Picture received by the server/ }).waitFor();
  assert.deepEqual(await judge(page), []);
  await it.shot(page, 'panel-picture');
  await page.keyboard.press('Escape');
  await until('the focus is back on the small picture', () => small.evaluate((element) => element === document.activeElement));

  await panel.getByRole('button', { name: 'Everything' }).click();
  await panel.locator('.event', { hasText: 'Picture at a random moment' }).first().waitFor();
  await panel.getByRole('button', { name: 'All but random pictures' }).click();

  await warn(page, panel, student);
  await dismiss(page, panel, event('More than one person'));
  await extend(page, panel, student);
  await pause(it, page, panel);
  await terminate(it, page, panel, student, look);

  await page.keyboard.press('Escape');
  await panel.waitFor({ state: 'detached' });
  await until('the tile has the focus again', () => page.evaluate(() => document.activeElement?.dataset.id === 's1'));

  // Where there is no room for both, the wall goes meanwhile: its tile is a new one afterwards.
  await page.setViewportSize({ width: 320, height: 800 });
  await page.locator('[data-id="s1"]').click();
  await panel.waitFor();
  await until('the panel has the focus', () => panel.evaluate((element) => element.contains(document.activeElement)));
  await page.keyboard.press('Escape');
  await until('the new tile has the focus', () => page.evaluate(() => document.activeElement?.dataset.id === 's1'));
  await page.setViewportSize({ width: 1280, height: 800 });

  // Of somebody who has never joined: the server's own words.
  await page.locator('[data-id="s2"]').click();
  const other = page.getByRole('dialog', { name: 'Alan Turing' });
  await other.getByRole('button', { name: 'Message', exact: true }).click();
  await other.getByLabel('Message to the student').fill('Hello?');
  await other.getByRole('button', { name: 'Send message' }).click();
  await other.getByText(/Message: not done\..*page is not connected/).waitFor();
}

async function warn(page, panel, student) {
  await panel.getByRole('button', { name: 'Warn' }).click();
  await panel.getByRole('button', { name: 'Send warning' }).click();
  const field = panel.getByLabel('Warning to the student');
  await panel.getByText('Write something first.').waitFor();
  await until('the field has the focus', () => field.evaluate((element) => element === document.activeElement));
  await field.fill('x'.repeat(501));
  await panel.getByText('1 characters too many').waitFor();
  await field.fill('Please be alone.');
  await panel.getByRole('button', { name: 'Send warning' }).click();
  await panel.getByText(/^Warning: taken at/).waitFor();
  await until('the student has it', async () => (await student.messages()).length > 0);
  assert.deepEqual(await student.messages(), [{ text: 'Please be alone.', warning: true }]);
  await panel.locator('.event', { hasText: 'Please be alone.' }).waitFor();
}

async function dismiss(page, panel, event) {
  await event.getByRole('button', { name: /^Dismiss this violation/ }).click();
  await event.getByLabel('Reason, for the record').fill('A poster on the wall.');
  await event.getByRole('button', { name: 'Dismiss violation' }).click();
  await event.getByText('Reason: A poster on the wall.').waitFor();
  await until('the score has fallen', async () => (await fact(panel, 'Score')) === '17');
  assert.equal(await event.getByRole('button', { name: /^Dismiss/ }).count(), 0);
  await until('the focus is at the violation', () => event.evaluate((element) => element === document.activeElement));
}

async function extend(page, panel, student) {
  const { endsAt } = await student.exam();
  await panel.getByRole('button', { name: 'Add time' }).click();
  await panel.getByLabel('Minutes to add').fill('601');
  await panel.getByRole('form', { name: 'Add time' }).getByRole('button', { name: 'Add time' }).click();
  await panel.getByText('whole minutes from 1 to 600').waitFor();
  await panel.getByLabel('Minutes to add').fill('15');
  await page.keyboard.press('Enter');
  await until('the end has moved', async () => (await student.exam()).endsAt === endsAt + 15 * 60_000);
}

async function pause(it, page, panel) {
  await panel.getByRole('button', { name: 'Pause', exact: true }).click();
  await panel.getByRole('button', { name: 'Pause the exam' }).click();
  await until('the panel says so', async () => (await fact(panel, 'State')) === 'Paused');
  await panel.getByRole('button', { name: 'Resume', exact: true }).click();
  await panel.getByRole('button', { name: 'Resume the exam' }).click();
  await until('it goes on', async () => (await it.stack.session('s1')).state === 'Live');
}

async function terminate(it, page, panel, student, look) {
  await panel.getByRole('button', { name: 'End exam' }).click();
  const form = panel.getByRole('form', { name: 'End exam' });
  await form.getByLabel('Reason, for the record').fill('Somebody else sat the exam.');
  await form.getByLabel(/^To confirm/).fill('s2');
  await form.getByRole('button', { name: 'End this exam now' }).click();
  await form.getByText('This is not the student’s id.').waitFor();
  assert.equal(await student.closed(), null);
  await look(page, 'panel-end');
  await form.getByLabel(/^To confirm/).fill('s1');
  await form.getByRole('button', { name: 'End this exam now' }).click();
  await until('the student’s exam has ended', async () => (await student.closed()) === TERMINATED);
  await panel.getByText('This student’s exam is over.').waitFor();
  await until('the focus is in the panel', () => panel.evaluate((element) => element.contains(document.activeElement)));
  assert.equal((await it.stack.session('s1')).state, 'Terminated');
}

async function afterwards(page, look) {
  const rows = () => page.locator('tbody tr:not(.group) th').allInnerTexts();
  await page.getByRole('link', { name: 'Ada Lovelace' }).waitFor();
  assert.deepEqual(await rows(), ['Ada Lovelace', 'Alan Turing', 'Grace Hopper']);
  await look(page, 'review');
  await page.getByRole('button', { name: 'Name' }).click();
  assert.equal(await page.getByRole('columnheader', { name: 'Name' }).getAttribute('aria-sort'), 'ascending');
  await page.getByRole('button', { name: 'Name' }).click();
  assert.deepEqual(await rows(), ['Ada Lovelace', 'Grace Hopper', 'Alan Turing']);
  await page.getByLabel('Search name or id').fill('hopper');
  await until('only she is shown', async () => (await rows()).join() === 'Grace Hopper');
  await page.getByLabel('Search name or id').fill('');

  const sessions = await saved(page, 'Export CSV');
  assert.equal(sessions.name, 'default-finals-sessions.csv');
  assert.match(sessions.text, /^\uFEFFstudent,name,.*\r\ns1,Ada Lovelace,Terminated,17,/);
  assert.equal(JSON.parse((await saved(page, 'Export JSON')).text).sessions.length, 3);

  await page.getByRole('link', { name: 'Ada Lovelace' }).click();
  await page.getByRole('heading', { level: 1, name: 'Ada Lovelace' }).waitFor();
  await plotted(page);
  await page.getByText('The plot as a table').click();
  const table = page.locator('.plot-table tbody tr');
  await table.filter({ hasText: 'More than one person, severity critical, dismissed' }).filter({ hasText: '47' }).waitFor();
  await look(page, 'student');
  await plotted(page);

  const record = await saved(page, 'Export CSV');
  assert.match(record.text, /,violation,MultipleFaces,critical,1,6000,47,suspicious,false,.*A poster on the wall\./);
  const { entries } = JSON.parse((await saved(page, 'Export JSON')).text);
  assert.deepEqual(entries.map(({ seq }) => seq), entries.map((_entry, index) => index + 1));

  await page.goBack();
  await page.getByRole('heading', { level: 1, name: 'Review' }).waitFor();
  await page.goForward();
  await page.getByRole('heading', { level: 1, name: 'Ada Lovelace' }).waitFor();
}

/** Whether something was drawn that is no axis: the score's line is of the brand's colour. */
async function plotted(page) {
  await page.locator('.plot canvas').waitFor();
  await until('the score is drawn', () => page.evaluate(() => {
    const canvas = document.querySelector('.plot canvas');
    const paint = document.createElement('canvas').getContext('2d');
    paint.fillStyle = getComputedStyle(canvas).getPropertyValue('--brand');
    paint.fillRect(0, 0, 1, 1);
    const [r, g, b] = paint.getImageData(0, 0, 1, 1).data;
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    let seen = 0;
    for (let at = 0; at < data.length; at += 4) {
      seen += Math.abs(data[at] - r) + Math.abs(data[at + 1] - g) + Math.abs(data[at + 2] - b) < 12 && data[at + 3] > 200 ? 1 : 0;
    }

    return seen > 100;
  }));
}

async function saved(page, button) {
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: button }).click()]);

  return { name: download.suggestedFilename(), text: await readFile(await download.path(), 'utf8') };
}

async function paper(it, page, look) {
  await page.getByRole('button', { name: 'Print report' }).click();
  await page.getByText('Ready to print.').waitFor();
  await until('it is printed', () => page.evaluate(() => window.printed === 1));
  const report = page.locator('.report');
  for (const words of [
    'Introduction to Statistics, final exam', 'default/finals', 'Ada Lovelace', 'Ended by an invigilator', '17 of 100',
    'A poster on the wall.', 'Somebody else sat the exam.', 'Please be alone.', 'All times are in the time zone', 'lasted 6 s',
    'entries are on record', 'Pictures at random moments',
  ]) {
    await report.getByText(words).first().waitFor();
  }
  const { pictures, loaded } = await report.locator('.shot').evaluateAll((shots) => ({
    pictures: shots.filter((shot) => shot.querySelector('img') !== null).length,
    loaded: shots.filter((shot) => shot.querySelector('img')?.naturalWidth > 0).length,
  }));
  assert.ok(pictures >= 3 && loaded === pictures, `${loaded} of ${pictures} pictures`);
  await look(page, 'report');

  // In a dark browser, too, paper is white and has nothing to press on it.
  await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
  assert.equal(await page.getByRole('button').count(), 0);
  const background = await page.locator('.report-page').evaluate((element) => getComputedStyle(element).backgroundColor);
  assert.equal(background, 'rgb(255, 255, 255)');
  await it.shot(page, 'report-print');
  const pdf = (await page.pdf({ preferCSSPageSize: true, tagged: true })).toString('latin1');
  assert.match(pdf, /^%PDF/);
  assert.ok((pdf.match(/\/Type\s*\/Page\b/g) ?? []).length >= 2, 'more than one page');
}
