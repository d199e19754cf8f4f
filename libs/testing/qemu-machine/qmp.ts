// SPDX-License-Identifier: GPL-2.0-only
import { connect } from 'node:net';
import { createInterface } from 'node:readline';

/** Sends one command without arguments to a running QEMU over its control socket and waits until it is accepted. */
export async function qmpExecute(socketPath: string, command: 'system_reset', timeoutMs = 10_000): Promise<void> {
  const socket = connect(socketPath);
  try {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new Error(`QEMU did not answer ${command} within ${timeoutMs} ms`));
      }, timeoutMs);
      socket.once('error', reject);
      socket.once('close', () => {
        clearTimeout(timer);
      });
      let returns = 0;
      createInterface({ input: socket }).on('line', (line) => {
        const message = JSON.parse(line) as { QMP?: object; return?: object; error?: { desc: string } };
        if (message.QMP !== undefined) socket.write(`{"execute":"qmp_capabilities"}{"execute":"${command}"}\n`);
        if (message.error !== undefined) reject(new Error(`QEMU refused ${command}: ${message.error.desc}`));
        // The first one answers qmp_capabilities.
        if (message.return !== undefined && (returns += 1) === 2) resolve();
      });
    });
  } finally {
    socket.destroy();
  }
}
