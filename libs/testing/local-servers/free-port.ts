// SPDX-License-Identifier: GPL-2.0-only
import { createServer } from 'node:net';

/** Below 32768: out of the range from which the kernel gives ports to outgoing connections. */
const range = { lowest: 20_000, highest: 32_767 };

/** Test files that run at once ask for others: between the question whether a port is free and its use somebody else would take it. */
const shares = 8;
const share = Math.floor((range.highest + 1 - range.lowest) / shares);
const lowest = range.lowest + (Number(process.env['JEST_WORKER_ID'] ?? 0) % shares) * share;
const highest = lowest + share - 1;

/** Random, so that whoever else tests here rarely asks for the same; then in turn, so that one test never gets one twice. */
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
