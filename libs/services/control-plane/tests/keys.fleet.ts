// SPDX-License-Identifier: GPL-2.0-only
import { cp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { switchingToWire } from '@lockstep/contracts/wire';
import { openCertificateAuthority } from '@lockstep/io/certificates';
import { TestPlane } from './test-plane';

jest.setTimeout(180_000);

let plane: TestPlane;
const inState = (name: string): string => path.join(plane.config.stateDir, name);
const aside = (name: string): string => path.join(plane.folder.path, `${name}-aside`);

beforeAll(async () => {
  plane = await TestPlane.start();
  await plane.operator.fleet.createCluster({ ...switchingToWire({}), name: 'kept' });
  await plane.down();
});
afterAll(() => plane.stop());

describe('keys and database belong together', () => {
  test('keys that are missing beside a full database are not made anew', async () => {
    await rename(inState('pki'), aside('pki'));
    await expect(plane.up()).rejects.toMatchObject({
      kind: 'refused',
      reason: 'pki-not-of-this-database',
      message: expect.stringContaining('Restore the folder'),
    });
    await expect(stat(inState('pki'))).rejects.toMatchObject({ code: 'ENOENT' });
    await rename(aside('pki'), inState('pki'));
  });

  test('a single key that is missing is not made anew either', async () => {
    for (const name of ['pki/log-signing.key', 'pki/ca.key']) {
      await rename(inState(name), aside('key'));
      await expect(plane.up()).rejects.toMatchObject({ reason: 'pki-not-of-this-database' });
      await rename(aside('key'), inState(name));
    }
  });

  test('the keys of another control plane are refused', async () => {
    await rename(inState('pki'), aside('pki'));
    await openCertificateAuthority({ dir: inState('pki'), names: ['127.0.0.1'], mayMakeKeys: true });
    await expect(plane.up()).rejects.toMatchObject({ reason: 'pki-not-of-this-database' });
    await rm(inState('pki'), { recursive: true });
    await cp(aside('pki'), inState('pki'), { recursive: true });
    await rm(inState('pki/log-signing.key'));
    await cp(path.join(await otherPki(), 'log-signing.key'), inState('pki/log-signing.key'));
    await expect(plane.up()).rejects.toMatchObject({
      reason: 'pki-not-of-this-database',
      message: expect.stringContaining('signs load orders'),
    });
    await rm(inState('pki'), { recursive: true });
    await rename(aside('pki'), inState('pki'));
  });

  test('a new database beside keys that nodes trust is refused; with its own, all goes on', async () => {
    await rename(inState('postgres'), aside('postgres'));
    await expect(plane.up()).rejects.toMatchObject({
      kind: 'refused',
      reason: 'database-not-of-this-pki',
      message: expect.stringContaining('Restore the database'),
    });
    await rm(inState('postgres'), { recursive: true });
    await rename(aside('postgres'), inState('postgres'));
    await plane.up();
    const { clusters } = await plane.operator.fleet.listClusters({});
    expect(clusters.map(({ name }) => name)).toEqual(['kept']);
    await plane.down();
  });

  test('an operator token that is empty or short lets nobody in', async () => {
    const token = await readFile(inState('operator.token'), 'utf8');
    for (const bad of ['', '\n', 'letmein\n']) {
      await writeFile(inState('operator.token'), bad);
      await expect(plane.up()).rejects.toMatchObject({
        kind: 'refused',
        reason: 'operator-token-weak',
        message: expect.stringContaining('Remove'),
      });
    }
    await writeFile(inState('operator.token'), token);
  });
});

async function otherPki(): Promise<string> {
  const dir = aside('other-pki');
  await openCertificateAuthority({ dir, names: ['127.0.0.1'], mayMakeKeys: true });
  return dir;
}
