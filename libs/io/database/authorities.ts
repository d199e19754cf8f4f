// SPDX-License-Identifier: GPL-2.0-only
import type { Successor } from '@lockstep/domain/access';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { once, type KeptCall } from './call-answers';
import { serialisable, type Client, type Transaction } from './client';
import type { Authority as AuthorityRow } from './generated/client';

/** Who has come after the first authority, in the order of their making. */
export interface AuthorityStore {
  list(): Promise<Successor[]>;
  /** @throws LockstepError `refused` `successor-prepared` while there is one that has not taken over. */
  prepare(successor: Successor, call: KeptCall<Successor> | undefined): Promise<Successor>;
  /** @throws LockstepError `not-found` `unknown-authority`. */
  takeOver(pinSha256: string, at: Date, call: KeptCall<Successor> | undefined): Promise<Successor>;
  /** Those before this one, which signs. @throws LockstepError `not-found` `unknown-authority`. */
  retireBefore(pinSha256: string, at: Date, call: KeptCall<Successor> | undefined): Promise<Successor>;
  /** Of those that came after the first, when each has taken over. */
  tookOverAt(pinSha256: string): Promise<Date | null>;
}

const fromRow = (row: AuthorityRow): Successor => ({
  pinSha256: row.pinSha256,
  certificatePem: row.certificate,
  crossCertificatePem: row.crossCertificate,
  tookOver: row.tookOverAt !== null,
  retiredBefore: row.retiredBeforeAt !== null,
});

const inOrder = { preparedAt: 'asc' } as const;

function unknown(pinSha256: string): LockstepError {
  const message = `There is no successor ${pinSha256.slice(0, 16)}: lockstep ca ls tells which there are.`;
  return new LockstepError('not-found', 'unknown-authority', message, { pinSha256 });
}

async function change(
  tx: Transaction,
  pinSha256: string,
  step: 'tookOverAt' | 'retiredBeforeAt',
  at: Date,
): Promise<Successor> {
  const row = await tx.authority.findUnique({ where: { pinSha256 } });
  if (row === null) throw unknown(pinSha256);
  // Said again it was then already.
  return fromRow(await tx.authority.update({ where: { pinSha256 }, data: { [step]: row[step] ?? at } }));
}

export function authorityStore(db: Client): AuthorityStore {
  return {
    list: async () => (await db.authority.findMany({ orderBy: inOrder })).map(fromRow),
    prepare: (successor, call) =>
      serialisable(db, (tx) =>
        once(tx, call, async () => {
          const waiting = await tx.authority.findFirst({ where: { tookOverAt: null } });
          if (waiting !== null) {
            const message = `A successor is prepared already, ${waiting.pinSha256.slice(0, 16)}: have it take over (lockstep ca activate).`;
            throw new LockstepError('refused', 'successor-prepared', message, { pinSha256: waiting.pinSha256 });
          }
          const { pinSha256, certificatePem: certificate, crossCertificatePem: crossCertificate } = successor;
          return fromRow(await tx.authority.create({ data: { pinSha256, certificate, crossCertificate } }));
        }),
      ),
    takeOver: (pin, at, call) => serialisable(db, (tx) => once(tx, call, () => change(tx, pin, 'tookOverAt', at))),
    retireBefore: (pin, at, call) =>
      serialisable(db, (tx) => once(tx, call, () => change(tx, pin, 'retiredBeforeAt', at))),
    tookOverAt: async (pinSha256) => (await db.authority.findUnique({ where: { pinSha256 } }))?.tookOverAt ?? null,
  };
}
