// The processes of one browser that a test has started: to stop and continue them,
// which to the page is what a device's sleep is, while the servers go on; and to know
// what they have computed.

import { execFileSync } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';

/** The browser that runs on this profile, and all its children. */
async function processesOf(profile) {
  const all = [];
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid)) {
      continue;
    }
    try {
      const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
      const [, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      const command = await readFile(`/proc/${pid}/cmdline`, 'utf8');
      all.push({ pid: Number(pid), parent: Number(parent), command });
    } catch {
      // It has ended meanwhile.
    }
  }
  const found = all.filter(({ command }) => command.includes(`--user-data-dir=${profile}`)).map(({ pid }) => pid);
  for (const pid of found) {
    found.push(...all.filter((one) => one.parent === pid && !found.includes(one.pid)).map((one) => one.pid));
  }

  return found;
}

/** What the browser and all its children have computed since they were started; one that has ended does not count. */
export async function cpuSeconds(profile) {
  const ticks = await Promise.all((await processesOf(profile)).map(async (pid) => {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
    const [user = 0, system = 0] = stat.slice(stat.lastIndexOf(')') + 2).split(' ').slice(11, 13).map(Number);

    return user + system;
  }));

  return ticks.reduce((sum, one) => sum + one, 0) / Number(execFileSync('getconf', ['CLK_TCK']));
}

/** Stops the browser as a sleep does; returns how to wake it. */
export async function putToSleep(profile) {
  const pids = await processesOf(profile);
  if (pids.length < 3) {
    throw new Error(`found only ${pids.length} processes of the browser`);
  }
  pids.forEach((pid) => process.kill(pid, 'SIGSTOP'));

  return () => pids.forEach((pid) => process.kill(pid, 'SIGCONT'));
}
