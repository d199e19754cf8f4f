// SPDX-License-Identifier: GPL-2.0-only
import { mkdirSync } from 'node:fs';
import { connect } from 'node:net';
import path from 'node:path';
import { eventually } from './eventually';
import { fleetProcess, type FleetProcess } from './fleet-process';
import { freePort } from './free-ports';

export interface RedisServer {
  readonly url: string;
  readonly process: FleetProcess;
}

function answersPing(port: number): Promise<true | undefined> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\n'));
    const answer = (is: true | undefined): void => {
      socket.destroy();
      resolve(is);
    };
    socket.once('data', (data) => {
      answer(data.toString().startsWith('+PONG') ? true : undefined);
    });
    socket.once('error', () => {
      answer(undefined);
    });
  });
}

/** Debian's redis-server as production runs it: every write on disk before it is answered. */
export async function startRedisServer(folder: string): Promise<RedisServer> {
  const port = await freePort();
  mkdirSync(folder, { recursive: true });
  const process = fleetProcess({
    name: 'redis',
    command: 'redis-server',
    args: [
      ...['--port', String(port), '--bind', '127.0.0.1', '--dir', folder],
      ...['--save', '', '--appendonly', 'yes', '--appendfsync', 'always', '--maxmemory-policy', 'noeviction'],
    ],
    env: {},
    logFile: path.join(folder, 'redis.log'),
  });
  process.start();
  await eventually('redis answers', () => answersPing(port), { withinMs: 10_000 });
  return { url: `redis://127.0.0.1:${port}`, process };
}
