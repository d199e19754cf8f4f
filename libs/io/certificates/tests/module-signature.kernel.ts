// SPDX-License-Identifier: GPL-2.0-only
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readBuildSignature, withoutModuleSignature } from '@lockstep/domain/klp-module';
import { temporaryFolder, type TemporaryFolder } from '@lockstep/testing/local-servers';
import { buildTestKernel, kernelTestSetupMs } from '@lockstep/testing/qemu-machine';
import { buildSignerOf, createBuildKey, moduleHashes, moduleSignerOf } from '../index';

// Against the kernel's own program, compiled from the tree of the test's kernel.

let folder: TemporaryFolder;
const file = (name: string): string => path.join(folder.path, name);
const run = (program: string, ...args: string[]): void => {
  execFileSync(program, args, { cwd: folder.path, stdio: 'pipe' });
};

beforeAll(async () => {
  const { treeDir } = await buildTestKernel();
  folder = await temporaryFolder('module-signature');
  run('gcc', '-Wno-deprecated-declarations', '-o', 'sign-file', path.join(treeDir, 'scripts/sign-file.c'), '-lcrypto');
  const subject = '/O=Lockstep/CN=Modules of a test/emailAddress=modules@lockstep.invalid';
  run(
    'openssl',
    'req',
    '-new',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-days',
    '2',
    '-subj',
    subject,
    '-keyout',
    'key',
    '-out',
    'cert',
  );
}, kernelTestSetupMs);
afterAll(() => folder.remove());

test.each(moduleHashes.flatMap((hash) => [0, 1, 5000].map((size) => [hash, size] as const)))(
  'with %s, %i bytes are signed byte for byte as sign-file does',
  (hash, size) => {
    const module = Buffer.alloc(size, 'a module');
    writeFileSync(file('m.ko'), module);
    run('./sign-file', hash, 'key', 'cert', 'm.ko');
    const signer = moduleSignerOf(readFileSync(file('key'), 'utf8'), readFileSync(file('cert'), 'utf8'), hash);
    const signed = signer.sign(module);
    expect(Buffer.from(signed).equals(readFileSync(file('m.ko')))).toBe(true);
    expect(Buffer.from(withoutModuleSignature(signed)).equals(module)).toBe(true);
  },
);

test('the build signature is found below it, and a key that fits no certificate is refused', () => {
  const key = readFileSync(file('key'), 'utf8');
  const cert = readFileSync(file('cert'), 'utf8');
  const built = buildSignerOf(createBuildKey().privateKeyPem).sign(Buffer.from('a module'));
  expect(readBuildSignature(moduleSignerOf(key, cert).sign(built))).toEqual(readBuildSignature(built));
  run('openssl', 'genrsa', '-out', 'other', '2048');
  expect(() => moduleSignerOf(readFileSync(file('other'), 'utf8'), cert)).toThrow('the certificate is of another key');
  expect(() => moduleSignerOf(createBuildKey().privateKeyPem, cert)).toThrow('it is of type ed25519');
});
