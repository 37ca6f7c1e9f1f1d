// Debian's coturn on loopback, with a shared secret as an exam's operator has it.

import { spawn } from 'node:child_process';
import { createConnection, createServer } from 'node:net';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';

import { until } from './poll.mjs';

const SECRET = 'north';

/** What spec.media.iceServers comes to in exam.json, and how to end it. */
export async function startTurn(dir) {
  const port = await freePort();
  const log = createWriteStream(join(dir, 'turn.log'));
  const child = spawn('turnserver', [
    '-n', '--log-file=stdout', '--simple-log', '--no-tls', '--no-dtls', '--no-cli', '--use-auth-secret',
    `--static-auth-secret=${SECRET}`, '--realm=invigil', '--fingerprint', '--listening-ip=127.0.0.1', '--relay-ip=127.0.0.1',
    `--listening-port=${port}`, '--allow-loopback-peers', `--userdb=${join(dir, 'turndb')}`, `--pidfile=${join(dir, 'turn.pid')}`,
  ], { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise((done) => {
    child.once('error', done);
    child.once('exit', done);
  });
  child.stdout.pipe(log);
  child.stderr.pipe(log);
  await until('coturn listens', () => answers(port));

  return {
    config: { urls: [`turn:127.0.0.1:${port}?transport=udp`], secret: SECRET },
    async stop() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

function freePort() {
  return new Promise((found, failed) => {
    const server = createServer();
    server.once('error', failed);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => found(port));
    });
  });
}

function answers(port) {
  return new Promise((done) => {
    const socket = createConnection(port, '127.0.0.1');
    const say = (answer) => {
      socket.destroy();
      done(answer);
    };
    socket.once('connect', () => say(true));
    socket.once('error', () => say(false));
  });
}
