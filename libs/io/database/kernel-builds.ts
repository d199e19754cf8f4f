// SPDX-License-Identifier: GPL-2.0-only
import { randomUUID } from 'node:crypto';
import { LockstepError, type KernelBuildId, type Sha256 } from '@lockstep/domain/livepatch-model';
import { parseStockName, type StockName } from '@lockstep/domain/vendor-kernel';
import { serialisable, type Client } from './client';
import type { KernelBuild as KernelRow, KernelRegistration as RegistrationRow } from './generated/client';
import { rowsAfter, type PageRange, type RowKey } from './row-key';
import { failed, notEnded, running, workState, type WorkFailure, type WorkProgress, type WorkState } from './work';

export interface KernelBuildFacts {
  readonly id: KernelBuildId;
  readonly release: string;
  readonly compiler: string;
  readonly configSha256: Sha256;
}

export interface KernelBuildRecord extends KernelBuildFacts {
  readonly addedAt: Date;
}

export interface RegistrationRecord extends WorkState {
  readonly id: string;
  readonly path: string;
  /** Of a kernel that a distribution built; null for a finished build. */
  readonly stock: StockName | null;
  readonly kernelBuild: KernelBuildId | null;
}

const fromRow = (row: KernelRow): KernelBuildRecord => ({
  id: row.id as KernelBuildId,
  release: row.release,
  compiler: row.compiler,
  configSha256: row.configSha256 as Sha256,
  addedAt: row.addedAt,
});

const registrationFromRow = (row: RegistrationRow): RegistrationRecord => ({
  id: row.id,
  path: row.path,
  stock: row.distribution === null ? null : parseStockName(row.distribution, row.release ?? ''),
  kernelBuild: row.kernelBuildId as KernelBuildId | null,
  ...workState(row),
});

export interface KernelBuildStore {
  /** In the order in which they were added. */
  list(): Promise<KernelBuildRecord[]>;
  page(range: PageRange<RowKey>): Promise<KernelBuildRecord[]>;
  find(id: KernelBuildId): Promise<KernelBuildRecord | null>;
  /** @throws LockstepError `not-found` `unknown-kernel-build`. */
  require(id: KernelBuildId): Promise<KernelBuildRecord>;
}

export interface RegistrationStore {
  /** The unfinished registration of that folder or kernel, or a new one. */
  begin(path: string, stock: StockName | null): Promise<RegistrationRecord>;
  get(id: string): Promise<RegistrationRecord | null>;
  unfinished(): Promise<RegistrationRecord[]>;
  progress(id: string, attempts: number, progress?: WorkProgress): Promise<void>;
  succeed(id: string, attempts: number, facts: KernelBuildFacts): Promise<void>;
  fail(id: string, attempts: number, failure: WorkFailure): Promise<void>;
}

export function kernelBuildStore(db: Client): KernelBuildStore {
  const orderBy = [{ addedAt: 'asc' as const }, { id: 'asc' as const }];
  const find = async (id: KernelBuildId): Promise<KernelBuildRecord | null> => {
    const row = await db.kernelBuild.findUnique({ where: { id } });
    return row === null ? null : fromRow(row);
  };
  return {
    async list() {
      return (await db.kernelBuild.findMany({ orderBy })).map(fromRow);
    },
    async page({ after, limit }) {
      return (await db.kernelBuild.findMany({ where: rowsAfter('addedAt', after), orderBy, take: limit })).map(fromRow);
    },
    find,
    async require(id) {
      const kernel = await find(id);
      if (kernel !== null) return kernel;
      const message = `Kernel build ${id} is not registered: \`lockstep kernel ls\` lists them, \`kernel add\` registers one.`;
      throw new LockstepError('not-found', 'unknown-kernel-build', message, { kernelBuild: id });
    },
  };
}

export function registrationStore(db: Client): RegistrationStore {
  return {
    begin: (path, stock) =>
      serialisable(db, async (tx) => {
        const what = { path, distribution: stock?.distribution ?? null, release: stock?.release ?? null };
        const present = await tx.kernelRegistration.findFirst({ where: { ...what, ...notEnded } });
        return registrationFromRow(
          present ?? (await tx.kernelRegistration.create({ data: { id: randomUUID(), ...what } })),
        );
      }),
    async get(id) {
      const row = await db.kernelRegistration.findUnique({ where: { id } });
      return row === null ? null : registrationFromRow(row);
    },
    async unfinished() {
      return (await db.kernelRegistration.findMany({ where: notEnded })).map(registrationFromRow);
    },
    async progress(id, attempts, progress) {
      await db.kernelRegistration.updateMany({ where: { id, ...notEnded }, data: running(progress, attempts) });
    },
    succeed: (id, attempts, { id: kernelBuildId, ...facts }) =>
      serialisable(db, async (tx) => {
        const data = { status: 'succeeded' as const, attempts, kernelBuildId, endedAt: new Date() };
        const { count } = await tx.kernelRegistration.updateMany({ where: { id, ...notEnded }, data });
        if (count === 0) return;
        await tx.kernelBuild.upsert({
          where: { id: kernelBuildId },
          create: { id: kernelBuildId, ...facts },
          update: {},
        });
        // Whoever adds it again wants to use it: a copy that was evicted is made anew.
        await tx.kernelCopy.deleteMany({ where: { kernelBuildId, sha256: null } });
      }),
    async fail(id, attempts, failure) {
      await db.kernelRegistration.updateMany({ where: { id, ...notEnded }, data: failed(failure, attempts) });
    },
  };
}
