// SPDX-License-Identifier: GPL-2.0-only
import { mkdir, mkdtemp, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { blankSecrets, buildSecrets } from './build-secrets';

let tree: string;
const key = '-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----\n';
const certificate = '-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n';

async function put(file: string, text: string): Promise<void> {
  await mkdir(path.dirname(path.join(tree, file)), { recursive: true });
  await writeFile(path.join(tree, file), text);
}

beforeEach(async () => {
  tree = await mkdtemp(path.join(tmpdir(), 'lockstep-secrets-'));
});
afterEach(() => rm(tree, { recursive: true }));

test('what holds a private key is found: where kbuild makes one, and where the configuration says', async () => {
  await put('.config', 'CONFIG_MODULE_SIG_KEY="keys/./mine.pem"\n');
  await put('keys/mine.pem', certificate + key);
  await put('certs/signing_key.pem', key + certificate);
  await put('certs/trusted.pem', certificate);
  await put('certs/signing_key.x509', key);
  expect(await buildSecrets(tree)).toEqual(['certs/signing_key.pem', 'keys/mine.pem']);
});

test.each(['/etc/ssl/mine.pem', '../mine.pem', 'pkcs11:token=a', ''])(
  'a key that is not in the tree is none of it: %s',
  async (given) => {
    await put('.config', `CONFIG_MODULE_SIG_KEY="${given}"\n`);
    expect(await buildSecrets(tree)).toEqual([]);
  },
);

test('in its place make finds an empty file, older than what was made of it; the linked original stays', async () => {
  await put('.config', 'CONFIG_MODULE_SIG_KEY="certs/signing_key.pem"\n');
  const old = new Date(1_000_000_000_000);
  await utimes(path.join(tree, '.config'), old, old);
  await put('certs/signing_key.pem', key);
  await blankSecrets(tree, ['certs/signing_key.pem']);
  const file = path.join(tree, 'certs/signing_key.pem');
  expect(await readFile(file, 'utf8')).toBe('');
  expect((await stat(file)).mtime).toEqual(old);
  // Of a tree that came without it, too.
  await rm(file);
  await blankSecrets(tree, []);
  expect(await readFile(file, 'utf8')).toBe('');
});
