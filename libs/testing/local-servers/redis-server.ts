// SPDX-License-Identifier: GPL-2.0-only
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './free-port';

export interface RedisServer {
  readonly url: string;
  stop(): Promise<void>;
}

function answersPing(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\n'));
    const answer = (is: boolean): void => {
      socket.destroy();
      resolve(is);
    };
    socket.once('data', (data) => {
      answer(data.toString().startsWith('+PONG'));
    });
    socket.once('error', () => {
      answer(false);
    });
  });
}

/**
 * A redis-server of its own, as BullMQ wants it (noeviction), each write on disk before it is answered.
 * @param at where it was before, to go on there with what it has in `dir`
 */
export async function startRedis(dir: string, at?: string): Promise<RedisServer> {
  const port = at === undefined ? await freePort() : Number(new URL(at).port);
  mkdirSync(dir, { recursive: true });
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', dir, '--save', ''];
  const durable = ['--appendonly', 'yes', '--appendfsync', 'always', '--maxmemory-policy', 'noeviction'];
  const child = spawn('redis-server', [...args, ...durable], { stdio: 'ignore' });
  // A test run that is cut off leaves nothing running.
  const killIt = (): void => {
    child.kill('SIGKILL');
  };
  process.once('exit', killIt);
  const gone = new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', () => {
      resolve();
    });
  });
  const failed = gone.then(() => {
    throw new Error('redis-server ended before it answered: is the package redis-server installed?');
  });
  failed.catch(() => undefined);
  const ready = (async () => {
    while (!(await answersPing(port))) await sleep(10);
  })();
  await Promise.race([ready, failed]);
  return {
    url: `redis://127.0.0.1:${port}`,
    stop: async () => {
      child.kill('SIGTERM');
      await gone;
      process.removeListener('exit', killIt);
    },
  };
}
