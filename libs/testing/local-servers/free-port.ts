// SPDX-License-Identifier: GPL-2.0-only
import { createServer } from 'node:net';

/** Below 32768: out of the range from which the kernel gives ports to outgoing connections. */
const lowest = 20_000;
const highest = 32_000;

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

/** A TCP port on 127.0.0.1 that nobody listens on now. Random, so that tests in parallel rarely ask for the same. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = lowest + Math.floor(Math.random() * (highest - lowest));
    if (await isFree(port)) return port;
  }
}
