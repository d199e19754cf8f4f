// SPDX-License-Identifier: GPL-2.0-only
import { createServer } from 'node:net';

/** Below the ephemeral range, so that no outgoing connection takes a port between the look and the use. */
const firstPort = 20_000;
const lastPort = 32_767;

/** Ports handed out in this process: two fleets in one test run must not meet. */
let nextPort = firstPort + ((process.pid * 37) % 10_000);

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => {
      resolve(false);
    });
    server.listen(port, '127.0.0.1', () => {
      server.close(() => {
        resolve(true);
      });
    });
  });
}

/** A port of 127.0.0.1 that nobody listens on now. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = nextPort;
    nextPort = nextPort === lastPort ? firstPort : nextPort + 1;
    if (await isFree(port)) return port;
  }
}
