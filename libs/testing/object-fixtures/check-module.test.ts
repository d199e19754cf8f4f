// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { checkModule } from '@lockstep/domain/klp-module';
import {
  LockstepError,
  parseKernelBuildId,
  parseModuleName,
  parsePatchId,
  parsePatchName,
  parseSha256,
  type ArtifactManifest,
} from '@lockstep/domain/livepatch-model';
import { writtenLivepatch } from './written-livepatch';

const release = '6.1.0-test';
const fn = (object: string, name: string, sympos = 0) => ({ object, name, sympos });
const manifest: ArtifactManifest = {
  sha256: parseSha256('00'.repeat(32)),
  sizeBytes: 1,
  kernelBuild: parseKernelBuildId('ab'.repeat(20)),
  moduleName: parseModuleName('lockstep_fix'),
  patch: parsePatchId('11'.repeat(32)),
  patchName: parsePatchName('fix'),
  replace: false,
  functions: [fn('vmlinux', 'a', 1), fn('vmlinux', 'b', 2), fn('ext4', 'c')],
};
const built = writtenLivepatch({ ...manifest, release, recordedPatch: manifest.patch });

const refusal = (bytes: Uint8Array, over: Partial<ArtifactManifest> = {}, on = release): string => {
  try {
    checkModule(bytes, { ...manifest, ...over }, on);
    return '';
  } catch (error) {
    if (!(error instanceof LockstepError)) throw error;
    return `${error.reason} ${String(error.fields['what'])}: ${error.message}`;
  }
};

test('what a worker says truly passes, in any order, and with both names of the first place', () => {
  expect(refusal(built)).toBe('');
  expect(refusal(built, { functions: [...manifest.functions].reverse() })).toBe('');
  expect(refusal(built, { functions: [fn('vmlinux', 'a'), ...manifest.functions.slice(1)] })).toBe('');
});

test.each<[string, Partial<ArtifactManifest>, string]>([
  [
    'a function that it hides',
    { functions: manifest.functions.slice(1) },
    'functions: lockstep_fix.ko changes vmlinux:a',
  ],
  [
    'a function that it makes up',
    { functions: [...manifest.functions, fn('vmlinux', 'd')] },
    'does not change vmlinux:d',
  ],
  [
    'another place of one name',
    { functions: [fn('vmlinux', 'a'), fn('vmlinux', 'b', 3), fn('ext4', 'c')] },
    'vmlinux:b,2',
  ],
  ['a function said twice', { functions: [...manifest.functions, fn('ext4', 'c')] }, 'number of functions: '],
  ['another object', { functions: [...manifest.functions.slice(0, 2), fn('xfs', 'c')] }, 'changes ext4:c'],
  ['that it replaces', { replace: true }, 'replace: '],
  ['another name', { moduleName: parseModuleName('lockstep_other') }, 'name: '],
  ['another kernel build', { kernelBuild: parseKernelBuildId('cd'.repeat(20)) }, 'kernel build: '],
])('%s is found', (_, over, words) => {
  expect(refusal(built, over)).toMatch(/^module-differs /);
  expect(refusal(built, over)).toContain(words);
});

test('so is a module of another release, and what is none', () => {
  expect(refusal(built, {}, '6.1.0-other')).toContain('release: ');
  expect(refusal(new TextEncoder().encode('a module'))).toContain('cannot be read');
  expect(refusal(built.subarray(0, built.length - 200))).toMatch(/^module-differs/);
});

test('so is a module of another patch, and one whose going away is not as it is said', () => {
  const other = parsePatchId('22'.repeat(32));
  expect(refusal(built, { patch: other })).toContain('patch: ');
  const caveats = [{ kind: 'stays-loaded' as const, message: 'block holds the address of notified' }];
  const [leaving, staying] = [true, false].map((hasExit) => writtenLivepatch({ ...manifest, release, hasExit }));
  expect(refusal(leaving ?? built)).toBe('');
  expect(refusal(leaving ?? built, { caveats })).toContain('that it stays loaded: ');
  expect(refusal(staying ?? built)).toContain('that it stays loaded: ');
  expect(refusal(staying ?? built, { caveats })).toBe('');
});
