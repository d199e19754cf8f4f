// SPDX-License-Identifier: GPL-2.0-only
import type { KernelBuildId, Sha256 } from '@lockstep/domain/livepatch-model';
import type { Client } from './client';
import { Prisma, type KernelCopy as CopyRow } from './generated/client';

/** A packed kernel build in the artifact store. */
export interface KernelCopyRecord {
  /** The file that lists the parts. */
  readonly sha256: Sha256;
  readonly parts: readonly Sha256[];
  readonly sizeBytes: number;
}

export interface KernelCopyStore {
  find(kernelBuild: KernelBuildId): Promise<KernelCopyRecord | null>;
  list(): Promise<ReadonlyMap<KernelBuildId, KernelCopyRecord>>;
  /** Kernel builds to make a copy of: those that never had one, and those in use that have lost theirs. */
  wanting(): Promise<KernelBuildId[]>;
  keep(kernelBuild: KernelBuildId, copy: KernelCopyRecord): Promise<void>;
  /** One of its files is gone, or about to go: the copy that the file belongs to is none any more. */
  forget(file: Sha256): Promise<void>;
}

/** A node runs it, a load order is for it, or a build for it is going on: `k` is its id. */
export const kernelBuildInUse = (k: Prisma.Sql): Prisma.Sql => Prisma.sql`(
  EXISTS (SELECT 1 FROM nodes WHERE nodes.kernel_build_id = ${k})
  OR EXISTS (SELECT 1 FROM log_entries WHERE log_entries.kernel_build_id = ${k})
  OR EXISTS (SELECT 1 FROM builds WHERE builds.kernel_build_id = ${k} AND builds.status IN ('queued', 'running')))`;

function fromRow({ sha256, parts, sizeBytes }: CopyRow): KernelCopyRecord[] {
  if (sha256 === null) return [];
  return [{ sha256: sha256 as Sha256, parts: parts as Sha256[], sizeBytes: Number(sizeBytes) }];
}

export function kernelCopyStore(db: Client): KernelCopyStore {
  return {
    async find(kernelBuildId) {
      const row = await db.kernelCopy.findUnique({ where: { kernelBuildId } });
      return (row === null ? [] : fromRow(row))[0] ?? null;
    },
    async list() {
      const rows = await db.kernelCopy.findMany();
      return new Map(rows.flatMap((row) => fromRow(row).map((copy) => [row.kernelBuildId as KernelBuildId, copy])));
    },
    async wanting() {
      const rows = await db.$queryRaw<{ id: string }[]>`
        SELECT kernel_builds.id FROM kernel_builds LEFT JOIN kernel_copies ON kernel_build_id = kernel_builds.id
        WHERE kernel_build_id IS NULL OR (sha256 IS NULL AND ${kernelBuildInUse(Prisma.sql`kernel_builds.id`)})
        ORDER BY added_at`;
      return rows.map(({ id }) => id as KernelBuildId);
    },
    async keep(kernelBuildId, { sha256, parts, sizeBytes }) {
      const data = { sha256, parts: [...parts], sizeBytes };
      await db.kernelCopy.upsert({ where: { kernelBuildId }, create: { kernelBuildId, ...data }, update: data });
    },
    async forget(file) {
      const where = { OR: [{ sha256: file }, { parts: { has: file } }] };
      await db.kernelCopy.updateMany({ where, data: { sha256: null, parts: [], sizeBytes: 0 } });
    },
  };
}
