// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError, type PatchId, type PatchName } from '@lockstep/domain/livepatch-model';
import type { AllowedTypeChanges } from '@lockstep/domain/type-layouts';
import { serialisable, type Client } from './client';
import type { Patch as PatchRow } from './generated/client';
import { rowsAfter, type PageRange, type RowKey } from './row-key';

export interface PatchContent {
  readonly id: PatchId;
  readonly name: PatchName;
  readonly description: string;
  readonly author: string;
  readonly cves: readonly string[];
  /** What it combines, in order; then it has no diff of its own. */
  readonly combines: readonly PatchId[];
  readonly diff: Uint8Array;
  /** Types that it changes by its author's word. */
  readonly allowedTypeChanges?: AllowedTypeChanges | undefined;
  /** How many lines of context of each hunk may differ from the tree, by its author's word; none if undefined. */
  readonly fuzz?: number | undefined;
  /** It may change what the build itself runs, by the word of who submitted it; false if undefined. */
  readonly mayChangeBuild?: boolean | undefined;
}

export interface PatchRecord extends Omit<PatchContent, 'diff' | 'fuzz' | 'mayChangeBuild'> {
  readonly fuzz: number;
  readonly mayChangeBuild: boolean;
  readonly submittedAt: Date;
}

const fromRow = (row: Omit<PatchRow, 'diff'>): PatchRecord => ({
  id: row.id as PatchId,
  name: row.name as PatchName,
  description: row.description,
  author: row.author,
  cves: row.cves,
  combines: row.combines as PatchId[],
  allowedTypeChanges:
    row.allowedTypes.length === 0 ? undefined : { types: row.allowedTypes, because: row.allowedBecause },
  fuzz: row.fuzz,
  mayChangeBuild: row.mayChangeBuild,
  submittedAt: row.submittedAt,
});

export interface PatchStore {
  /** Keeps the patch; the same content again is what is there. @throws LockstepError `already-exists` `patch-name-taken`. */
  submit(patch: PatchContent): Promise<PatchRecord>;
  /** In the order in which they were submitted. */
  list(): Promise<PatchRecord[]>;
  /** @param cve only those that name it, if it is given */
  page(range: PageRange<RowKey>, cve?: string): Promise<PatchRecord[]>;
  /** By name or id. @throws LockstepError `not-found` `unknown-patch`. */
  require(nameOrId: string): Promise<PatchRecord>;
  /** Names by id. */
  names(ids: readonly PatchId[]): Promise<Map<PatchId, PatchName>>;
  /** @throws as `require`. */
  diff(id: PatchId): Promise<Uint8Array>;
}

function unknownPatch(nameOrId: string): LockstepError {
  const message = `There is no patch "${nameOrId}": \`lockstep patch ls\` lists them.`;
  return new LockstepError('not-found', 'unknown-patch', message, { patch: nameOrId });
}

export function patchStore(db: Client): PatchStore {
  const omit = { diff: true } as const;
  const orderBy = [{ submittedAt: 'asc' as const }, { id: 'asc' as const }];
  return {
    submit: ({ cves, combines, diff, allowedTypeChanges, fuzz = 0, mayChangeBuild = false, ...rest }) =>
      serialisable(db, async (tx) => {
        const present = await tx.patch.findUnique({ where: { name: rest.name }, omit });
        if (present === null) {
          const { types: allowedTypes = [], because: allowedBecause = '' } = allowedTypeChanges ?? {};
          const words = { allowedTypes: [...allowedTypes], allowedBecause, fuzz, mayChangeBuild };
          const data = { ...rest, ...words, cves: [...cves], combines: [...combines], diff: new Uint8Array(diff) };
          return fromRow(await tx.patch.create({ data, omit }));
        }
        if (present.id === rest.id) return fromRow(present);
        const message = `There is another patch named "${rest.name}": patches are immutable, choose a new name.`;
        throw new LockstepError('already-exists', 'patch-name-taken', message, { name: rest.name, id: present.id });
      }),
    async list() {
      return (await db.patch.findMany({ orderBy, omit })).map(fromRow);
    },
    async page({ after, limit }, cve) {
      const where = { ...rowsAfter('submittedAt', after), ...(cve === undefined ? {} : { cves: { has: cve } }) };
      return (await db.patch.findMany({ where, orderBy, omit, take: limit })).map(fromRow);
    },
    async require(nameOrId) {
      const row = await db.patch.findFirst({ where: { OR: [{ name: nameOrId }, { id: nameOrId }] }, omit });
      if (row !== null) return fromRow(row);
      throw unknownPatch(nameOrId);
    },
    async names(ids) {
      const rows = await db.patch.findMany({ where: { id: { in: [...ids] } }, select: { id: true, name: true } });
      return new Map(rows.map(({ id, name }) => [id as PatchId, name as PatchName]));
    },
    async diff(id) {
      const row = await db.patch.findUnique({ where: { id }, select: { diff: true } });
      if (row === null) throw unknownPatch(id);
      return row.diff;
    },
  };
}
