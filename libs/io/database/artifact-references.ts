// SPDX-License-Identifier: GPL-2.0-only
import type { Sha256 } from '@lockstep/domain/livepatch-model';
import type { Client } from './client';
import { Prisma } from './generated/client';
import { kernelBuildInUse } from './kernel-copies';

export interface ArtifactReferences {
  /**
   * Is the file named by what must be able to get it? That is an entry of a load order, for nodes hold, and take, nothing
   * but what such entries name; or the copy of a kernel build that is in use.
   */
  includes(sha256: Sha256): Promise<boolean>;
}

export function artifactReferences(db: Client): ArtifactReferences {
  return {
    async includes(sha256) {
      const rows = await db.$queryRaw<{ referenced: boolean }[]>`SELECT
        EXISTS (SELECT 1 FROM log_entries WHERE body -> 'artifact' ->> 'sha256' = ${sha256})
        OR EXISTS (
          SELECT 1 FROM kernel_copies
          WHERE (sha256 = ${sha256} OR ${sha256} = ANY (parts))
          AND ${kernelBuildInUse(Prisma.sql`kernel_copies.kernel_build_id`)}) AS referenced`;
      return rows[0]?.referenced === true;
    },
  };
}
