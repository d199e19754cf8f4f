// SPDX-License-Identifier: GPL-2.0-only
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { parseElf, type ElfFile } from '@lockstep/domain/elf';
import { otherModuleFormat } from '@lockstep/domain/vendor-kernel';

const dir = mkdtempSync(path.join(tmpdir(), 'lockstep-format-'));
afterAll(() => {
  rmSync(dir, { recursive: true });
});

interface MadeUp {
  readonly vermagic?: string;
  /** Of struct module. */
  readonly words?: number;
  readonly init?: number;
  readonly functions?: 'both' | 'init';
}

function module(name: string, madeUp: MadeUp = {}): ElfFile {
  const {
    vermagic = '6.1.0-50 SMP preempt mod_unload modversions ',
    words = 40,
    init = 3,
    functions = 'both',
  } = madeUp;
  const exit = functions === 'both' ? '[30] = (long)cleanup_module,' : '';
  writeFileSync(
    path.join(dir, `${name}.c`),
    `int init_module(void) { return 0; }
     void cleanup_module(void) {}
     const char license[] __attribute__((section(".modinfo"))) = "license=GPL";
     const char magic[] __attribute__((section(".modinfo"))) = "vermagic=${vermagic}";
     long itself[${words}] __attribute__((section(".gnu.linkonce.this_module"))) = { [${init}] = (long)init_module, ${exit} };`,
  );
  execFileSync('gcc', ['-c', `${name}.c`, '-o', `${name}.ko`], { cwd: dir, stdio: 'pipe' });
  return parseElf(new Uint8Array(readFileSync(path.join(dir, `${name}.ko`))), `${name}.ko`);
}

const own = module('own');

test("a vendor's module of the same build, with and without an exit", () => {
  expect(otherModuleFormat(own, module('same'))).toBeUndefined();
  expect(otherModuleFormat(own, module('stays', { functions: 'init' }))).toBeUndefined();
});

test.each([
  [
    'vermagic',
    { vermagic: '6.1.0-50 SMP mod_unload modversions ' },
    /^vermagic is "6\.1\.0-50 SMP mod_unload .* in vermagic\.ko, and "6\.1\.0-50 SMP preempt/,
  ],
  ['size', { words: 41 }, /^the size of struct module is 328 in size\.ko, and 320 by this source and config$/],
  ['offset', { init: 4 }, /^the offset of its init is 32 in offset\.ko, and 24 /],
])('of another build, told by its %s', (name, madeUp, told) => {
  expect(otherModuleFormat(own, module(name, madeUp))).toMatch(told);
});
