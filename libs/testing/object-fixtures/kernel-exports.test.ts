// SPDX-License-Identifier: GPL-2.0-only
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { parseElf } from '@lockstep/domain/elf';
import { exportsOfKernel } from '@lockstep/domain/vendor-kernel';

const dir = mkdtempSync(path.join(tmpdir(), 'lockstep-exports-'));
afterAll(() => {
  rmSync(dir, { recursive: true });
});

/** As include/linux/export.h has it. */
const exported = (name: string, suffix: string, namespace: string): string => `
  .section "__ksymtab_strings", "aMS", @progbits, 1
  __kstrtab_${name}: .asciz "${name}"
  __kstrtabns_${name}: .asciz "${namespace}"
  .section "___ksymtab${suffix}+${name}", "a"
  __ksymtab_${name}: .long ${name} - ., __kstrtab_${name} - ., __kstrtabns_${name} - .
  .text
  .globl ${name}
  ${name}: ret
`;

const script = `SECTIONS {
  . = 0xffffffff81000000;
  .text : { *(.text) }
  __ksymtab : { *(SORT(___ksymtab+*)) }
  __ksymtab_gpl : { *(SORT(___ksymtab_gpl+*)) }
  __ksymtab_strings : { *(__ksymtab_strings) }
}`;

test('a linked kernel says itself what it exports, to whom and in which namespace', () => {
  const source = exported('vfs_read', '', '') + exported('dma_map', '_gpl', 'DMA_BUF');
  writeFileSync(path.join(dir, 'kernel.s'), source);
  writeFileSync(path.join(dir, 'kernel.lds'), script);
  execFileSync('gcc', ['-c', 'kernel.s', '-o', 'kernel.o'], { cwd: dir });
  execFileSync('ld', ['-T', 'kernel.lds', 'kernel.o', '-o', 'vmlinux'], { cwd: dir });
  const vmlinux = parseElf(new Uint8Array(readFileSync(path.join(dir, 'vmlinux'))), 'vmlinux');
  expect(exportsOfKernel(vmlinux).trimEnd().split('\n').sort()).toEqual([
    '0x00000000\tdma_map\tvmlinux\tEXPORT_SYMBOL_GPL\tDMA_BUF',
    '0x00000000\tvfs_read\tvmlinux\tEXPORT_SYMBOL\t',
  ]);
});
