// SPDX-License-Identifier: GPL-2.0-only
// A worker process of its own: says when it has taken a job, and never ends one. Its test kills it.
import { startJobWorker, type QueueServer } from '../index';

const server = JSON.parse(process.argv[2] ?? '') as QueueServer;

startJobWorker({
  server,
  concurrency: 1,
  lockMs: 1000,
  onError: () => undefined,
  handler: async () => {
    console.log('taken');
    await new Promise((resolve) => setTimeout(resolve, 600_000));
    throw new Error('unreachable');
  },
}).catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
