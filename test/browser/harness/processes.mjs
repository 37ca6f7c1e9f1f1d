// The processes of one browser that a test has started, to stop and continue them:
// to the page that is what a device's sleep is, while the servers go on.

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

/** Stops the browser as a sleep does; returns how to wake it. */
export async function putToSleep(profile) {
  const pids = await processesOf(profile);
  if (pids.length < 3) {
    throw new Error(`found only ${pids.length} processes of the browser`);
  }
  pids.forEach((pid) => process.kill(pid, 'SIGSTOP'));

  return () => pids.forEach((pid) => process.kill(pid, 'SIGCONT'));
}
