// SPDX-License-Identifier: GPL-2.0-only
import path from 'node:path';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import type { CertificateAuthority } from '@lockstep/io/certificates';
import { openDatabase, startEmbeddedPostgres, type Database } from '@lockstep/io/database';
import { makeFolder, readIfPresent, sha256OfBytes } from '@lockstep/platform/runtime';
import type { Logger } from 'pino';
import { adminTokenFile, openAdminToken } from './access/admin-token';
import type { ControlPlaneConfig } from './config';
import { fileOfDatabaseId, notInitialised, openKeys } from './open-keys';
import { Teardown } from './teardown';

/** Where a control plane keeps its keys, and the names that its certificate is for. */
export const keysPlaceOf = ({ keysDir, tlsNames, initialises }: ControlPlaneConfig) => ({
  dir: path.join(keysDir, 'pki'),
  names: ['localhost', '127.0.0.1', '::1', ...tlsNames],
  initialises,
});

/** What was made, for whoever sets a control plane up. */
export interface Initialised {
  readonly databaseId: string;
  /** Its CA's certificate, and the sha256 (hex) of that one's key, which join tokens name. */
  readonly caFile: string;
  readonly caPinSha256: string;
  /** The sha256 (hex) of the public key that load orders begin with. */
  readonly logKeySha256: string;
  readonly keysDir: string;
  readonly adminTokenFile: string;
  readonly adminToken: string;
}

function alreadyInitialised(dir: string): LockstepError {
  const message = `The keys in ${dir} and their database were made before, and nothing was changed: start the control plane.`;
  return new LockstepError('already-exists', 'already-initialised', message, { dir });
}

async function openOwnDatabase(config: ControlPlaneConfig, teardown: Teardown, log: Logger): Promise<Database> {
  const { stateDir, postgresPort: port, databaseUrl: url, isOneOfSeveral: isShared } = config;
  const openUrl = async (): Promise<string> => {
    const server = await startEmbeddedPostgres({ dir: path.join(stateDir, 'postgres'), port });
    // One that runs already may be a control plane's, which the lock on the database tells below.
    if (!server.adopted) teardown.add('postgres', () => server.stop());
    else teardown.addOnceComplete('postgres', () => server.stop());
    return server.url;
  };
  const onLost = (err: Error): void => {
    log.error({ err }, 'the database was lost meanwhile');
  };
  const database = await openDatabase({ url: url ?? (await openUrl()), isShared, onLost });
  teardown.add('database', () => database.close());
  return database;
}

async function makeAll(config: ControlPlaneConfig, database: Database): Promise<Initialised> {
  const { keysDir } = config;
  const place = keysPlaceOf(config);
  const bound = await database.keys.find();
  const isWhole = bound !== null && (await readIfPresent(fileOfDatabaseId(place.dir))) !== undefined;
  // Says as well what is wrong with keys that are not whole, or not this database's.
  const authority: CertificateAuthority = await openKeys(database, { ...place, initialises: true });
  if (isWhole && (await readIfPresent(adminTokenFile(keysDir))) !== undefined) throw alreadyInitialised(place.dir);
  const adminToken = await openAdminToken(keysDir, database);
  const binding = bound ?? (await database.keys.find());
  return {
    databaseId: binding?.databaseId ?? '',
    caFile: path.join(place.dir, 'ca.crt'),
    caPinSha256: authority.first.pinSha256,
    logKeySha256: sha256OfBytes(Buffer.from(authority.logSigner.publicKeyPem)),
    keysDir,
    adminTokenFile: adminTokenFile(keysDir),
    adminToken,
  };
}

/**
 * The first start, which is an order of its own: makes the database's schema, the CA, the key that signs load orders, and the
 * token of this machine's admin. Cut off, it goes on where it was.
 * @throws LockstepError `already-exists` `already-initialised`; what opening keys and database throws.
 */
export async function initialise(config: ControlPlaneConfig, log: Logger): Promise<Initialised> {
  await makeFolder(config.stateDir);
  await makeFolder(config.keysDir);
  const teardown = new Teardown(log);
  try {
    const database = await openOwnDatabase(config, teardown, log);
    teardown.markComplete();
    return await makeAll(config, database);
  } finally {
    await teardown.run();
  }
}

/**
 * Before anything is touched: an embedded database that is not there was never made, and there are no keys beside it.
 * With a database elsewhere the database says it.
 * @throws LockstepError `refused` `not-initialised`.
 */
export async function insistInitialised(config: ControlPlaneConfig): Promise<void> {
  if (config.initialises || config.databaseUrl !== undefined) return;
  const { dir } = keysPlaceOf(config);
  const traces = [
    path.join(config.stateDir, 'postgres/data/PG_VERSION'),
    path.join(dir, 'ca.key'),
    fileOfDatabaseId(dir),
  ];
  for (const file of traces) if ((await readIfPresent(file)) !== undefined) return;
  throw notInitialised(dir);
}
