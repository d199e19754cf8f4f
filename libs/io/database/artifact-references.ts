// SPDX-License-Identifier: GPL-2.0-only
import type { Sha256 } from '@lockstep/domain/livepatch-model';
import type { Client } from './client';

export interface ArtifactReferences {
  /**
   * Is the file named by what must be able to get it: an entry of a load order? Nodes hold, and take, nothing but what
   * such entries name.
   */
  includes(sha256: Sha256): Promise<boolean>;
}

export function artifactReferences(db: Client): ArtifactReferences {
  return {
    async includes(sha256) {
      const where = { body: { path: ['artifact', 'sha256'], equals: sha256 } };
      return (await db.logEntry.findFirst({ where, select: { seq: true } })) !== null;
    },
  };
}
