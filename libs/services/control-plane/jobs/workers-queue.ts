// SPDX-License-Identifier: GPL-2.0-only
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { openQueueRole } from '@lockstep/io/database';
import { queueSchema } from '@lockstep/io/job-queue';
import { readOrCreate } from '@lockstep/platform/runtime';
import type { Logger } from 'pino';
import type { ControlPlaneConfig } from '../config';

const passwordBytes = 24;

/** Where build workers take jobs: a URL of no more rights than that needs. Undefined: whoever made the role knows it. */
export async function openWorkersQueue(
  { redisUrl, keysDir }: Pick<ControlPlaneConfig, 'redisUrl' | 'keysDir'>,
  databaseUrl: string,
  log: Logger,
): Promise<string | undefined> {
  if (redisUrl !== undefined) return redisUrl;
  const file = path.join(keysDir, 'queue.password');
  const password = async (): Promise<string> =>
    (await readOrCreate(file, () => `${randomBytes(passwordBytes).toString('base64url')}\n`)).trim();
  const queueRole = await openQueueRole({ url: databaseUrl, schema: queueSchema, password });
  const { role } = queueRole;
  switch (queueRole.kind) {
    case 'made':
      return queueRole.url;
    case 'given':
      return undefined;
    case 'missing':
      log.warn(
        { role },
        `the database has no role for build workers and lets us make none: CREATE ROLE ${role} LOGIN PASSWORD '…', then start again`,
      );
      return undefined;
  }
}
