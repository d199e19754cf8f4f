// SPDX-License-Identifier: GPL-2.0-only
import { describe, expect, test } from '@jest/globals';
import { parseElf } from '@lockstep/domain/elf';
import {
  readKernelSymbols,
  readModuleSymbols,
  writeLivepatchModule,
  type KernelSymbolTable,
} from '@lockstep/domain/klp-module';
import { parseModuleName, parsePatchId } from '@lockstep/domain/livepatch-model';
import { diffObjects } from '@lockstep/domain/object-diff';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compilePair, compilers, fixtureKernel, fixtureTables, symbolTable, type Compiler } from './index';

// Kernels with indirect branch tracking overwrite the ENDBRs of functions that they never call indirectly.

/** Links an object to where kernels lie. */
function linkAsKernel(object: Uint8Array): Uint8Array {
  const directory = mkdtempSync(join(tmpdir(), 'lockstep-link-'));
  try {
    writeFileSync(join(directory, 'object.o'), object);
    const undefinedOnes = ['__fentry__'].map((name) => `--defsym=${name}=0xffffffff81000000`);
    const at = ['-Ttext=0xffffffff81000000', '-Tdata=0xffffffff82000000'];
    execFileSync('ld', ['-e', '0', '-z', 'max-page-size=4096', ...at, ...undefinedOnes, '-o', 'linked', 'object.o'], {
      cwd: directory,
      stdio: 'pipe',
    });
    return new Uint8Array(readFileSync(join(directory, 'linked')));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const sealedIn = ({ names, kinds }: KernelSymbolTable) => names.filter((_, row) => ((kinds[row] ?? 0) & 8) !== 0);

describe.each(compilers)('sealed functions are known, %s', (compiler) => {
  const object = compilePair('sealed', compiler, '-fcf-protection=branch').original;

  test('of a linked kernel', () => {
    expect(sealedIn(readKernelSymbols(parseElf(linkAsKernel(object), 'vmlinux')))).toEqual(['sealed']);
  });

  test('of a module', () => {
    expect(sealedIn(readModuleSymbols(object, 'driver'))).toEqual(['sealed']);
  });
});

describe.each(compilers)('a patch of a kernel in which a function is sealed, %s', (compiler) => {
  const kernel = (sealed: boolean) =>
    fixtureKernel({
      symbols: symbolTable(
        ['else.c'],
        [
          { name: 'work', file: null },
          { name: 'other', file: null, sealed },
          { name: 'register_hook', file: null },
        ],
      ),
      exports: { klp_enable_patch: {}, __fentry__: {} },
    });
  const write = (facts: ReturnType<typeof kernel>, name: string, by: Compiler) =>
    writeLivepatchModule({
      facts,
      diffs: [
        {
          object: 'vmlinux',
          diff: diffObjects({ ...compilePair(name, by), objectPath: `${name}.o`, tables: fixtureTables }),
        },
      ],
      moduleName: parseModuleName('sealed_fixture'),
      patchId: parsePatchId('5a'.repeat(32)),
      replace: false,
    });

  test('may call it', () => {
    expect(write(kernel(true), 'one-constant', compiler).functions).toHaveLength(1);
  });

  test('may not take its address', () => {
    expect(() => write(kernel(true), 'takes-address', compiler)).toThrow(
      expect.objectContaining({
        reason: 'sealed-function',
        fields: expect.objectContaining({ object: 'takes-address.o', function: 'other' }),
      }),
    );
    expect(write(kernel(false), 'takes-address', compiler).functions).toHaveLength(1);
  });
});
