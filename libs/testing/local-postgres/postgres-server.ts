// SPDX-License-Identifier: GPL-2.0-only
import path from 'node:path';
import { startEmbeddedPostgres, type EmbeddedPostgres } from '@lockstep/io/database';
import { freePort } from '@lockstep/testing/local-servers';

/** A PostgreSQL server of its own, with its data in `dir`; on a port of one's choosing if it is to come back there. */
export async function startPostgres(dir: string, port?: number): Promise<EmbeddedPostgres> {
  return startEmbeddedPostgres({ dir: path.join(dir, 'postgres'), port: port ?? (await freePort()) });
}
