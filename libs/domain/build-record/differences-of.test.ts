// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { sectionFlag, sectionType, writeRelocatable, type OutputSection } from '@lockstep/domain/elf';
import { parseKernelBuildId, parseModuleName, parsePatchId, parseSha256 } from '@lockstep/domain/livepatch-model';
import { withBuildRecord, type BuildRecord } from './build-record';
import { differencesOf } from './differences-of';

const record: BuildRecord = {
  module: parseModuleName('lockstep_fix'),
  patch: parsePatchId('11'.repeat(32)),
  diffs: [],
  onto: [],
  kernelBuild: parseKernelBuildId('ab'.repeat(20)),
  release: '6.1.0',
  configSha256: parseSha256('44'.repeat(32)),
  compiler: 'gcc 12',
  builderVersion: '0.1.0',
};

function section(name: string, text: string): OutputSection {
  const bytes = new TextEncoder().encode(text);
  const { progbits: type } = sectionType;
  return { name, type, flags: sectionFlag.alloc, alignment: 1, entryBytes: 0, bytes, sizeBytes: bytes.length };
}
const written = (...sections: OutputSection[]): Uint8Array =>
  writeRelocatable({ sections, relocations: [], symbols: [] });
const base = written(section('.text.one', 'code'), section('.rodata', 'data'));

test('sections are named, whether their bytes differ or one lacks them', () => {
  expect(differencesOf(base, written(section('.text.one', 'C0de'), section('.rodata', 'data')))).toEqual([
    'section .text.one',
  ]);
  const more = written(section('.text.one', 'code'), section('.rodata', 'data'), section('.text.more', 'x'));
  expect(differencesOf(base, more).join()).toContain('.text.more');
});

test('what the records say otherwise is told with both words', () => {
  const [a, b] = [record, { ...record, compiler: 'gcc 13', reproduced: true as const }];
  expect(differencesOf(withBuildRecord(base, a), withBuildRecord(base, b))).toEqual([
    'compiler "gcc 12" and "gcc 13"',
    'reproduced nothing and true',
  ]);
});

test('what lies in no section is told by its size, and what is no module as that', () => {
  expect(differencesOf(base, Buffer.concat([base, Buffer.from('x')]))).toEqual([
    `${base.length} bytes and ${base.length + 1} bytes, in what lies between their sections`,
  ]);
  expect(differencesOf(base, Buffer.from('no module'))).toEqual(['one of them is no module']);
});
