// SPDX-License-Identifier: GPL-2.0-only
import { generateKeyPairSync, sign, verify, type KeyObject } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  parseClusterName,
  parseKernelBuildId,
  parseModuleName,
  parsePatchId,
  parsePatchName,
  type KernelBuildId,
  type Sha256,
} from '@lockstep/domain/livepatch-model';
import {
  extendLog,
  keysOf,
  parseLogKey,
  type EntrySignature,
  type LoadBody,
  type LogChecks,
  type LogKey,
  type LogName,
} from '@lockstep/domain/load-order';
import { sha256OfBytes } from '@lockstep/platform/runtime';
import { freePort, temporaryFolder, type TemporaryFolder } from '@lockstep/testing/local-servers';
import { migrateDatabase, openDatabase, startEmbeddedPostgres, type Database, type EmbeddedPostgres } from '../index';

let folder: TemporaryFolder;
let server: EmbeddedPostgres;
let db: Database;

beforeAll(async () => {
  folder = await temporaryFolder('log-keys');
  server = await startEmbeddedPostgres({ dir: folder.path, port: await freePort() });
  await migrateDatabase(server.url);
  db = await openDatabase({ url: server.url, onLost: () => undefined });
});
afterAll(async () => {
  await db.close();
  await server.stop();
  await folder.remove();
});

const pemOf = (key: KeyObject): LogKey => parseLogKey(key.export({ type: 'spki', format: 'pem' }).toString());
const [first, ...later] = ['first', 'one', 'two', 'three'].map(() => generateKeyPairSync('ed25519'));
const privates = new Map(later.map(({ privateKey, publicKey }) => [pemOf(publicKey), privateKey]));

const signing = {
  hash: sha256OfBytes,
  sign: (key: LogKey | undefined, hash: Sha256) => {
    const privateKey = key === undefined ? first!.privateKey : privates.get(key)!;
    return sign(null, Buffer.from(hash, 'hex'), privateKey).toString('base64') as EntrySignature;
  },
};
const isSigned = (key: KeyObject | LogKey, hash: Sha256, signature: EntrySignature): boolean =>
  verify(null, Buffer.from(hash, 'hex'), key, Buffer.from(signature, 'base64'));
const checks: LogChecks = {
  hash: sha256OfBytes,
  verify: (hash, signature) => isSigned(first!.publicKey, hash, signature),
  verifyBy: isSigned,
};

async function kernel(byte: string): Promise<KernelBuildId> {
  const { id } = await db.registrations.begin(`/kernels/${byte}`, null);
  const about = { release: '6.1.0', compiler: 'gcc 12', configSha256: sha256OfBytes(Buffer.from('config')) };
  const build = { id: parseKernelBuildId(byte.repeat(20)), ...about };
  await db.registrations.succeed(id, 1, build);
  return build.id;
}

function load(kernelBuild: KernelBuildId, name: string): LoadBody {
  const sha256 = sha256OfBytes(Buffer.from(name));
  const names = {
    moduleName: parseModuleName(`lockstep_${name}`),
    patch: parsePatchId(sha256),
    patchName: parsePatchName(name),
  };
  const functions = [{ object: 'vmlinux', name, sympos: 0 }];
  const artifact = { sha256, sizeBytes: 4096, kernelBuild, ...names, replace: false, functions };
  return { kind: 'load', artifact, overrides: [], builtOnto: [] };
}

const append = (log: LogName, name: string) =>
  db.loadOrders.append(log, { ...signing, body: () => load(log.kernelBuild, name) });

test('a new key comes into every load order of its cluster at once, and into those that begin later', async () => {
  const { name: cluster } = await db.clusters.create(parseClusterName('web'), {});
  const logs = [await kernel('ab'), await kernel('cd'), await kernel('ef')].map((kernelBuild) => ({
    cluster,
    kernelBuild,
  }));
  const [log, other, late] = logs as [LogName, LogName, LogName];
  await append(log, 'a');
  const keys = [...privates.keys()];
  // What is appended meanwhile is signed by the key before or by the new one: the chain holds either way.
  for (const [at, key] of keys.entries()) {
    const [entries] = await Promise.all([
      db.loadOrders.rotate(cluster, { ...signing, key, also: [other.kernelBuild] }),
      append(log, `r${at}`),
    ]);
    expect(entries.map(({ kernelBuild, body }) => [kernelBuild, body])).toEqual(
      [log, other].map(({ kernelBuild }) => [kernelBuild, expect.objectContaining({ kind: 'rotate', key })]),
    );
  }
  expect((await append(late, 'z')).seq).toBe(4);
  for (const each of logs) {
    const entries = await db.loadOrders.entries(each);
    expect(keysOf(entries)).toEqual(keys);
    expect(extendLog(each, [], entries, checks)).toMatchObject({ kind: 'extended', added: entries.length });
  }
  const heads = await db.keys.heads();
  expect(heads.map(({ current }) => current)).toEqual([keys[2], keys[2], keys[2]]);
  expect(heads.find(({ kernelBuild }) => kernelBuild === other.kernelBuild)?.signedBy).toBe(keys[1]);
});
