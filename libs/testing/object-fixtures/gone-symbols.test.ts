// SPDX-License-Identifier: GPL-2.0-only
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parseElf } from '@lockstep/domain/elf';
import { readKernelSymbols, writeLivepatchModule } from '@lockstep/domain/klp-module';
import { parseModuleName, parsePatchId } from '@lockstep/domain/livepatch-model';
import { diffObjects } from '@lockstep/domain/object-diff';
import { compileC, fixtureKernel, fixtureTables } from './index';

// kallsyms names functions and variables of the start as long as the kernel runs; their memory is another's by then.

const source = join(__dirname, 'sources', 'uses-start.c');
const elsewhere = `int __attribute__((section(".init.text"))) elsewhere(int value) { return value; }
int other(int value) { return value; }
void __fentry__(void) {}`;

/** Both linked as a kernel is: each section by itself, its name kept. */
function linkedKernel(): Uint8Array {
  const dir = mkdtempSync(join(tmpdir(), 'lockstep-gone-'));
  try {
    writeFileSync(join(dir, 'one.o'), compileC(source));
    writeFileSync(join(dir, 'other.c'), elsewhere);
    execFileSync('gcc', ['-mcmodel=kernel', '-fno-pic', '-c', 'other.c'], { cwd: dir });
    const script = `SECTIONS { . = 0xffffffff81000000; .text : { *(.text .text.* .ref.text) } .data : { *(.data .data.*) }
      .init.text : { *(.init.text) } .init.data : { *(.init.data) } }`;
    writeFileSync(join(dir, 'kernel.lds'), script);
    execFileSync('ld', ['-T', 'kernel.lds', '-e', '0', '-o', 'vmlinux', 'one.o', 'other.o'], {
      cwd: dir,
      stdio: 'pipe',
    });
    return new Uint8Array(readFileSync(join(dir, 'vmlinux')));
  } finally {
    rmSync(dir, { recursive: true });
  }
}

const kernel = fixtureKernel({
  symbols: readKernelSymbols(parseElf(linkedKernel(), 'vmlinux')),
  exports: { klp_enable_patch: {}, __fentry__: {} },
});

function write(...flags: string[]) {
  const [original, patched] = [compileC(source, ...flags), compileC(source, ...flags, '-DPATCHED')];
  return writeLivepatchModule({
    facts: kernel,
    diffs: [{ object: 'vmlinux', diff: diffObjects({ original, patched, objectPath: 'f.o', tables: fixtureTables }) }],
    moduleName: parseModuleName('gone_fixture'),
    patchId: parsePatchId('5a'.repeat(32)),
    replace: false,
  });
}

describe('what is gone once the kernel has started', () => {
  test.each([
    ['a function', [], 'boot_step'],
    ['a variable', ['-DVARIABLE'], 'boot_value'],
    ['a function of another file', ['-DELSEWHERE'], 'elsewhere'],
  ])('%s cannot be used by new code', (_, flags, name) => {
    expect(() => write(...flags)).toThrow(
      expect.objectContaining({
        reason: 'gone-symbol',
        message: expect.stringContaining(`refers to ${name}, whose memory is given back`),
        fields: expect.objectContaining({ object: 'f.o', function: 'work' }),
      }),
    );
  });

  test('code that its author marks as knowing when it is gone may', () => {
    expect(write('-DMARKED').functions).toHaveLength(1);
  });
});
