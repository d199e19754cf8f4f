// SPDX-License-Identifier: GPL-2.0-only
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readLivepatchModule, writeLivepatchModule } from '@lockstep/domain/klp-module';
import { LockstepError, parseKernelBuildId, parseModuleName, parsePatchId } from '@lockstep/domain/livepatch-model';
import { diffObjects } from '@lockstep/domain/object-diff';
import { compilePair, fixtureKernel, fixtureTables, livepatchFile, symbolTable, type LivepatchFixture } from './index';

const fixture: LivepatchFixture = { name: 'hand_made', release: '5.15.135-test', functions: { first: 0, second: 2 } };
const read = (over: Partial<LivepatchFixture> = {}) =>
  readLivepatchModule(livepatchFile({ ...fixture, ...over }), 'm.ko');

const changed = [
  { object: 'vmlinux', name: 'first', sympos: 0 },
  { object: 'vmlinux', name: 'second', sympos: 2 },
  { object: 'some_module', name: 'module_func', sympos: 0 },
];

const reasonOf = (bytes: Uint8Array): string => {
  try {
    readLivepatchModule(bytes, 'm.ko');
    return 'read';
  } catch (error) {
    if (!(error instanceof LockstepError)) throw error;
    return error.reason;
  }
};

describe('a livepatch module made by hand', () => {
  test('tells its functions, objects without functions included', () => {
    const expected = { module: 'hand_made', release: '5.15.135-test', functions: changed, replace: false };
    const unknown = { kernelBuild: null, patch: null, staysLoaded: null };
    expect(read()).toEqual({ ...expected, ...unknown, lookups: 2, isSigned: false });
  });

  test('tells that it replaces all others', () => {
    expect(read({ replace: true }).replace).toBe(true);
  });

  test.each([1, 3, 7])('is read with %i functions: element sizes are found, not known', (count) => {
    const functions = Object.fromEntries(Array.from({ length: count }, (_, at) => [`fn_${at}`, at]));
    expect(read({ functions }).functions.map(({ name, sympos }) => [name, sympos])).toEqual([
      ...Object.entries(functions),
      ['module_func', 0],
    ]);
  });

  test('without its symbols is not guessed at', () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'lockstep-stripped-'));
    const file = path.join(folder, 'm.ko');
    writeFileSync(file, livepatchFile(fixture));
    execFileSync('strip', ['--strip-unneeded', file]);
    expect(reasonOf(new Uint8Array(readFileSync(file)))).toBe('functions-unknown');
    rmSync(folder, { recursive: true });
  });
});

test("kpatch-build's table is read; whether such a module replaces is not known", () => {
  expect(read({ kpatch: true })).toMatchObject({
    module: 'hand_made',
    release: '5.15.135-test',
    functions: changed,
    replace: null,
  });
});

test('a module that Lockstep wrote tells what it was written with', () => {
  const exports = { klp_enable_patch: {}, __fentry__: {}, other: {} };
  const symbols = symbolTable(
    [],
    [
      { name: 'work', file: null },
      { name: 'existing', file: null },
    ],
  );
  const facts = fixtureKernel({ symbols, exports });
  const diff = (name: string) => diffObjects({ ...compilePair(name), objectPath: `${name}.o`, tables: fixtureTables });
  const moduleName = parseModuleName('lockstep_fixture');
  const kernelBuild = parseKernelBuildId('c0'.repeat(20));
  const written = writeLivepatchModule({
    facts,
    diffs: [
      { object: 'vmlinux', diff: diff('one-constant') },
      { object: 'driver', diff: diff('one-constant') },
    ],
    moduleName,
    patchId: parsePatchId('5a'.repeat(32)),
    kernelBuild,
    replace: true,
    moduleSymbols: new Map([['driver', symbols]]),
  });
  expect(written.functions).toHaveLength(2);
  const back = readLivepatchModule(written.bytes, 'm.ko');
  expect(back).toEqual({
    ...{ module: moduleName, release: null, functions: written.functions, replace: true },
    ...{ kernelBuild, patch: '5a'.repeat(32), lookups: 1, isSigned: false, staysLoaded: null },
  });
});

describe('other files', () => {
  test('a module that is no livepatch, an object that is no module, no ELF', () => {
    expect(reasonOf(livepatchFile({ ...fixture, plain: true }))).toBe('not-a-livepatch');
    expect(reasonOf(compilePair('one-constant').original)).toBe('not-a-module');
    expect(reasonOf(new TextEncoder().encode('#!/bin/sh'))).toBe('malformed-elf');
  });

  test('damaged ones are read or refused, never worse', () => {
    const whole = livepatchFile(fixture);
    const damage = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(damage, fc.nat(whole.length), (writes, kept) => {
        const bytes = whole.slice();
        for (const [at, value] of writes) bytes[at] = value;
        reasonOf(bytes);
        reasonOf(whole.subarray(0, kept));
      }),
      { numRuns: 300 },
    );
  });
});
