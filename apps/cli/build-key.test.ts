// SPDX-License-Identifier: GPL-2.0-only
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { PassThrough } from 'node:stream';
import { expect, test } from '@jest/globals';
import { withBuildRecord } from '@lockstep/domain/build-record';
import { parseKernelBuildId, parseModuleName, parsePatchId, parseSha256 } from '@lockstep/domain/livepatch-model';
import { buildSignerOf } from '@lockstep/io/certificates';
import { temporaryFolder } from '@lockstep/testing/local-servers';
import { writtenLivepatch } from '@lockstep/testing/object-fixtures';
import { createCli } from './cli';
import { runProgram } from './program';

async function lockstep(...args: string[]) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const cli = createCli({ stdout, stderr, env: {}, signal: new AbortController().signal });
  const code = await runProgram(cli, args);
  return { code, out: String(stdout.read() ?? ''), error: String(stderr.read() ?? '') };
}

test('a key is made once, and what it has signed is known from what it has not, without a server', async () => {
  const folder = await temporaryFolder('build-key');
  const [key, file] = ['build.key', 'm.ko'].map((name) => path.join(folder.path, name)) as [string, string];
  expect((await lockstep('build-key', 'create', key)).code).toBe(0);
  expect(statSync(key).mode & 0o777).toBe(0o600);
  expect(await lockstep('build-key', 'create', key)).toMatchObject({
    code: 2,
    error: expect.stringContaining('is there already'),
  });
  const module = writtenLivepatch({
    ...{ moduleName: parseModuleName('fix'), kernelBuild: parseKernelBuildId('ab'.repeat(20)), release: '6.1.0-test' },
    ...{ functions: [{ object: 'vmlinux', name: 'meminfo_show', sympos: 0 }], replace: false },
  });
  const verify = async (bytes: Uint8Array) => {
    writeFileSync(file, bytes);
    const { code, out } = await lockstep('patch', 'verify', file, '--build-keys', `${key}.pub`, '--json');
    return { code, ...(JSON.parse(out) as object) };
  };
  const signed = buildSignerOf(readFileSync(key, 'utf8')).sign(module);
  expect(await verify(signed)).toMatchObject({ code: 0, module: 'fix', release: '6.1.0-test', isVouchedFor: true });
  expect(await verify(module)).toMatchObject({ code: 1, hasSignature: false, isVouchedFor: false });
  const record = {
    ...{
      module: parseModuleName('fix'),
      patch: parsePatchId('11'.repeat(32)),
      kernelBuild: parseKernelBuildId('ab'.repeat(20)),
    },
    ...{ diffs: [{ name: 'fix', sha256: parseSha256('22'.repeat(32)) }], onto: [], release: '6.1.0-test' },
    ...{ configSha256: parseSha256('33'.repeat(32)), compiler: 'gcc 12.2.0', builderVersion: '0.1.0' },
  };
  const sbom = path.join(folder.path, 'sbom.json');
  writeFileSync(file, buildSignerOf(readFileSync(key, 'utf8')).sign(withBuildRecord(module, record)));
  expect(await lockstep('patch', 'verify', file, '--build-keys', `${key}.pub`, '--sbom', sbom)).toMatchObject({
    code: 0,
    out: expect.stringContaining(`fix (${'22'.repeat(32)})`),
  });
  expect(JSON.parse(readFileSync(sbom, 'utf8'))).toMatchObject({
    bomFormat: 'CycloneDX',
    metadata: { component: { name: 'fix' } },
  });
  writeFileSync(file, module);
  const none = await lockstep('patch', 'verify', file, '--build-keys', `${key}.pub`, '--provenance', sbom);
  expect(none.error).toContain('has no record of its build');
  const changed = Uint8Array.from(signed);
  changed[70] = (changed[70] ?? 0) ^ 1;
  expect(await verify(changed)).toMatchObject({ code: 1, hasSignature: true, isVouchedFor: false });
  await folder.remove();
});
