// SPDX-License-Identifier: GPL-2.0-only
import { createHash } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { LockstepError } from '@lockstep/domain/livepatch-model';

/**
 * Keeps a second agent off the same state directory for as long as this process lives: a name in Linux' abstract
 * socket namespace, which the kernel frees however the process ends, so that nothing stale is ever left.
 * @throws LockstepError `already-exists`.
 */
export async function claimStateDir(stateDir: string): Promise<{ release(): void }> {
  const name = createHash('sha256')
    .update(await realpath(stateDir))
    .digest('hex');
  const server: Server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => {
      const message = `Another agent runs on ${stateDir}: stop it first.`;
      reject(new LockstepError('already-exists', 'agent-running', message, { stateDir }, { cause }));
    });
    server.listen(`\0lockstep-agent-${name}`, resolve);
  });
  server.unref();
  return { release: () => server.close() };
}
