// SPDX-License-Identifier: GPL-2.0-only
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { temporaryFolder, type TemporaryFolder } from '@lockstep/testing/local-servers';
import { buildVerifierOf, createBuildKey, openBuildSigner } from '../index';

// A real PKCS#11 library with its token in a folder: SoftHSM, asked by OpenSC's pkcs11-tool (Debian: softhsm2, opensc).

const library = ['/usr/lib/softhsm/libsofthsm2.so', '/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so'].find(
  existsSync,
);
const pin = '567890';
const onFile = (file: string): Promise<string> => Promise.reject(new Error(`${file} is no key on a token`));

let folder: TemporaryFolder;

const inFolder = (name: string): string => path.join(folder.path, name);
const uriOf = (id: string, pinFile = inFolder('pin')): string =>
  `pkcs11:token=build;id=${id}?module-path=${library ?? ''}&pin-source=file:${pinFile}`;
const onToken = (...args: string[]): string =>
  execFileSync('pkcs11-tool', ['--module', library ?? '', '--token-label', 'build', ...args], {
    encoding: 'utf8',
    // As this test has changed it: jest gives each test file an environment of its own.
    env: { ...process.env },
  });

beforeAll(async () => {
  if (library === undefined) throw new Error('SoftHSM is not there: apt-get install softhsm2 opensc.');
  folder = await temporaryFolder('token');
  mkdirSync(inFolder('tokens'));
  writeFileSync(inFolder('softhsm2.conf'), `directories.tokendir = ${inFolder('tokens')}\nlog.level = ERROR\n`);
  process.env['SOFTHSM2_CONF'] = inFolder('softhsm2.conf');
  execFileSync('softhsm2-util', ['--init-token', '--free', '--label', 'build', '--so-pin', '123456', '--pin', pin], {
    env: { ...process.env },
  });
  for (const [id, type] of [
    ['01', 'EC:edwards25519'],
    ['02', 'EC:edwards25519'],
    ['03', 'EC:prime256v1'],
  ] as const) {
    onToken('--login', '--pin', pin, '--keypairgen', '--key-type', type, '--id', id, '--label', `key ${id}`);
  }
  writeFileSync(inFolder('pin'), `${pin}\n`);
  writeFileSync(inFolder('wrong-pin'), '000000\n');
});
afterAll(() => folder.remove());

test('what the token signs, agents take that have its public key, and no others', async () => {
  const signer = await openBuildSigner(uriOf('%02'), onFile);
  const module = Buffer.from('a module of some bytes');
  const signed = await signer.sign(module);
  const publicKey = onToken('--read-object', '--type', 'pubkey', '--id', '02');
  expect(buildVerifierOf([publicKey])(signed)).toBe(true);
  expect(buildVerifierOf([createBuildKey().publicKeyPem])(signed)).toBe(false);
  expect(buildVerifierOf([onToken('--read-object', '--type', 'pubkey', '--id', '01')])(signed)).toBe(false);
  // The same build gives the same bytes, wherever the key is.
  expect(Buffer.from(await signer.sign(module)).equals(Buffer.from(signed))).toBe(true);
});

test.each([
  ['a key that is not there', () => uriOf('%09'), /refused: error: object not found/],
  ['a wrong PIN', () => uriOf('%01', inFolder('wrong-pin')), /refused: .*CKR_PIN_INCORRECT/],
  ['a PIN file that is not there', () => uriOf('%01', inFolder('no-pin')), /cannot be opened: ENOENT/],
  ['a key of another kind', () => uriOf('%03'), /has another key there: it is of type ec/],
  ['a library that is none', () => uriOf('%01').replace('.so', '.os'), /refused: .*Failed to load pkcs11 module/],
])('%s is found out at the start, in words', async (_, uri, message) => {
  const refusal = await openBuildSigner(uri(), onFile).catch((error: unknown) => error as Error);
  expect((refusal as Error).message).toMatch(message);
  expect(refusal).toMatchObject({
    ...{ kind: 'invalid-input', reason: 'build-token-failed' },
  });
});
