// SPDX-License-Identifier: GPL-2.0-only
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import {
  logChecksOf,
  openCertificateAuthority,
  type AuthorityOptions,
  type CertificateAuthority,
} from '@lockstep/io/certificates';
import type { Database, KeyBinding } from '@lockstep/io/database';
import { readIfPresent, sha256OfBytes, writePrivateFile } from '@lockstep/platform/runtime';

/** The other half of the database's own record: which database the keys in the folder are for. */
export const fileOfDatabaseId = (dir: string): string => path.join(dir, 'database-id');

function otherKeys(dir: string, found: string, fields: Record<string, string | number>): LockstepError {
  const message =
    `${found}: ${dir} does not belong to this database, and agents would refuse whatever it signs. Restore the folder that was ` +
    `backed up with the database, or set LOCKSTEP_STATE_DIR and LOCKSTEP_DATABASE_URL to two that belong together.`;
  return new LockstepError('refused', 'pki-not-of-this-database', message, { dir, ...fields });
}

function otherDatabase(dir: string, databaseId: string): LockstepError {
  const message =
    `The keys in ${dir} are those of database ${databaseId}, and this one is another, new one: nodes that trust these keys would find ` +
    `none of their history in it. Restore the database, or set LOCKSTEP_DATABASE_URL to it; to begin anew, without these nodes, move ${dir} away.`;
  return new LockstepError('refused', 'database-not-of-this-pki', message, { dir, databaseId });
}

/** What whoever starts a control plane that has never been set up is told. */
export function notInitialised(dir: string): LockstepError {
  const message =
    `This control plane was never set up: there are no keys in ${dir}, and its database is new. Run \`node dist/control-plane.js init\` ` +
    'once, with the same settings; if there were keys or a database before, restore them instead.';
  return new LockstepError('refused', 'not-initialised', message, { dir });
}

/** Where the database keeps something, keys that are missing are lost, and new ones would be of no use to anybody. */
async function openAuthority(options: AuthorityOptions, isFresh: boolean): Promise<CertificateAuthority> {
  try {
    return await openCertificateAuthority(options);
  } catch (error) {
    const isMissing = error instanceof LockstepError && ['pki-missing', 'authority-key-missing'].includes(error.reason);
    if (!isMissing) throw error;
    if (isFresh) throw notInitialised(options.dir);
    throw otherKeys(options.dir, error.message.replace(/\.$/, ''), error.fields as Record<string, string>);
  }
}

function insistOnPins(dir: string, bound: KeyBinding, pins: Omit<KeyBinding, 'databaseId'>): void {
  const { databaseId, caPinSha256: boundPin } = bound;
  if (pins.caPinSha256 !== boundPin) throw otherKeys(dir, 'The CA key is another one', { databaseId, boundPin });
  const { logKeySha256: boundLogKey } = bound;
  if (pins.logKeySha256 === boundLogKey) return;
  throw otherKeys(dir, 'The key that signs load orders is another one', { databaseId, boundLogKey });
}

/**
 * Agents verify each entry by the keys that a load order has walked by, from the one that they pinned: what others signed, they
 * refuse. The one that is to sign what follows must be there.
 */
async function insistOnSignatures(
  dir: string,
  db: Pick<Database, 'keys'>,
  { logSigner, logKeys }: CertificateAuthority,
): Promise<void> {
  const { verify, verifyBy } = logChecksOf(logSigner.publicKeyPem);
  for (const { cluster, kernelBuild, seq, hash, signature, signedBy, current } of await db.keys.heads()) {
    const isSigned = signedBy === null ? verify(hash, signature) : verifyBy(signedBy, hash, signature);
    if (!isSigned) {
      const found = `Entry #${seq} of cluster ${cluster} for kernel build ${kernelBuild} was not signed with this key`;
      throw otherKeys(dir, found, { cluster, kernelBuild, seq });
    }
    await logKeys.signerOf(current ?? undefined).catch((error: unknown) => {
      if (!(error instanceof LockstepError) || error.reason !== 'log-key-missing') throw error;
      throw otherKeys(dir, error.message.replace(/\.$/, ''), { cluster, kernelBuild });
    });
  }
}

/** The first thing that an audit tells: with which keys it all began. */
const bindTo = ({ keys }: Pick<Database, 'keys'>, binding: KeyBinding): Promise<KeyBinding> =>
  keys.bind(binding, {
    ...{ who: 'control-plane', token: '', from: '', call: 'Installation/Init', on: 'installation', because: '' },
    ...{ details: JSON.stringify(binding), result: 'done' },
  });

export interface KeysPlace {
  readonly dir: string;
  readonly names: string[];
  /** Whoever opens them has said that they are to be made, if the database is new. */
  readonly initialises: boolean;
}

/**
 * The keys that the database belongs to. They are made once, by `init` on a new database, and never again: both sides
 * then name the other.
 * @throws LockstepError `refused` `not-initialised`, `pki-not-of-this-database`, `database-not-of-this-pki`.
 */
export async function openKeys(
  db: Pick<Database, 'keys' | 'authorities'>,
  place: KeysPlace,
): Promise<CertificateAuthority> {
  const { dir, names, initialises } = place;
  const bound = await db.keys.find();
  const databaseId = (await readIfPresent(fileOfDatabaseId(dir)))?.trim();
  if (databaseId !== undefined && bound !== null && databaseId !== bound.databaseId) {
    throw otherKeys(dir, `It names database ${databaseId}`, { databaseId: bound.databaseId });
  }
  const isFresh = bound === null && (await db.keys.isFresh());
  if (isFresh && databaseId !== undefined) throw otherDatabase(dir, databaseId);
  const authority = await openAuthority(
    { dir, names, mayMakeKeys: isFresh && initialises, successors: await db.authorities.list() },
    isFresh,
  );
  const { publicKeyPem } = authority.logSigner;
  const pins = { caPinSha256: authority.first.pinSha256, logKeySha256: sha256OfBytes(Buffer.from(publicKeyPem)) };
  if (bound !== null) insistOnPins(dir, bound, pins);
  await insistOnSignatures(dir, db, authority);
  const binding = bound ?? (await bindTo(db, { databaseId: databaseId ?? randomUUID(), ...pins }));
  // Last: an `init` that was cut off before it goes on where it was.
  if (databaseId === undefined) await writePrivateFile(fileOfDatabaseId(dir), `${binding.databaseId}\n`);
  return authority;
}
