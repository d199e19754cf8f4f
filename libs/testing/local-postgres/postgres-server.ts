// SPDX-License-Identifier: GPL-2.0-only
import path from 'node:path';
import { startEmbeddedPostgres, type EmbeddedPostgres } from '@lockstep/io/database';
import { freePort } from '@lockstep/testing/local-servers';

/** A PostgreSQL server of its own, with its data in `dir`. */
export async function startPostgres(dir: string): Promise<EmbeddedPostgres> {
  return startEmbeddedPostgres({ dir: path.join(dir, 'postgres'), port: await freePort() });
}
