// SPDX-License-Identifier: GPL-2.0-only
import { createServer } from 'node:net';

/** Below 32768: out of the range from which the kernel gives ports to outgoing connections. */
const lowest = 20_000;
const highest = 32_767;

/** Random, so that tests in parallel rarely ask for the same; then in turn, so that one test never gets one twice. */
let next = lowest + Math.floor(Math.random() * (highest - lowest));

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

/** A TCP port on 127.0.0.1 that nobody listens on now. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = next;
    next = port === highest ? lowest : port + 1;
    if (await isFree(port)) return port;
  }
}
