// The real servers: starts the Go program in stack/, which runs Redis, the SFU
// and scoring, and talks to it line by line.

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { join, resolve } from 'node:path';

import { root } from './paths.mjs';

const bin = resolve(process.env.INVIGIL_BIN ?? join(root, 'bin'));

export async function startStack(dir, flags = []) {
  const child = spawn(join(bin, 'stack'), [`--bin=${bin}`, `--dir=${dir}`, ...flags], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = new Promise((done) => {
    child.once('error', (error) => done(error));
    child.once('exit', (code, signal) => done(new Error(`the stack has ended (${code ?? signal})`)));
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answer = async () => {
    const next = await Promise.race([lines.next(), ended]);
    if (next instanceof Error || next.done) {
      throw next instanceof Error ? next : await ended;
    }

    return JSON.parse(next.value);
  };
  const info = await answer();

  return {
    ...info,
    /** Sends one command (see stack/main.go), waits until it is done, and returns what it has made. */
    async command(line) {
      child.stdin.write(`${line}\n`);
      const { error, value } = await answer();
      if (error !== undefined) {
        throw new Error(`${line}: ${error}`);
      }

      return value;
    },
    /** An invigilator's token. lifetime such as 8s, subject of somebody else. */
    async invigilator({ subject = '', lifetime = '' } = {}) {
      return this.command(`invigilator ${subject} ${lifetime}`);
    },
    /** Where an invigilator's page (wall, review) is, with a token. */
    async pageOf(page, options) {
      return `${info.base}${page}#${await this.invigilator(options)}`;
    },
    /** The streams of a pod, as scoring sees them. */
    async streams(sfu = info.sfu) {
      const { streams } = await internal(info, '/internal/v1/streams', sfu);

      return streams ?? [];
    },
    /** The metrics of a pod, by name and labels. */
    async metrics(sfu = info.sfu) {
      const text = await (await fetch(`${sfu}/metrics`)).text();

      return new Map(text.split('\n').filter((line) => line !== '' && !line.startsWith('#')).map((line) => {
        const [, name, value] = /^(.*) (\S+)$/.exec(line);

        return [name, Number(value)];
      }));
    },
    /** The session of one student, as the operator sees it. */
    async session(student) {
      const { sessions } = await internal(info, '/internal/v1/sessions');

      return sessions?.find((session) => session.student === student) ?? null;
    },
    async violations(student, type) {
      const session = await this.session(student);

      return session?.violations?.find((violation) => violation.type === type)?.count ?? 0;
    },
    async stop() {
      child.stdin.end();
      await ended;
    },
  };
}

async function internal({ internal: scoring, internalToken }, path, base = scoring) {
  const response = await fetch(base + path, { headers: { Authorization: `Bearer ${internalToken}` } });
  if (!response.ok) {
    throw new Error(`${path}: ${response.status} ${await response.text()}`);
  }

  return response.json();
}
