// SPDX-License-Identifier: GPL-2.0-only
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { parseElf } from '@lockstep/domain/elf';
import { exportsOfKernel, otherExport } from '@lockstep/domain/vendor-kernel';

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

/** As modpost writes it in later kernels, or as genksyms lets the linker know it in earlier ones. */
const checksummed = {
  inTable: (name: string, checksum: string): string =>
    `.section "___kcrctab+${name}", "a"\n__crc_${name}: .long ${checksum}\n`,
  absolute: (name: string, checksum: string): string => `.globl __crc_${name}\n.set __crc_${name}, ${checksum}\n`,
};

const script = `SECTIONS {
  . = 0xffffffff81000000;
  .text : { *(.text) }
  __ksymtab : { *(SORT(___ksymtab+*)) }
  __ksymtab_gpl : { *(SORT(___ksymtab_gpl+*)) }
  __kcrctab : { *(SORT(___kcrctab+*)) }
  __ksymtab_strings : { *(__ksymtab_strings) }
}`;

function linked(source: string) {
  writeFileSync(path.join(dir, 'kernel.s'), source);
  writeFileSync(path.join(dir, 'kernel.lds'), script);
  execFileSync('gcc', ['-c', 'kernel.s', '-o', 'kernel.o'], { cwd: dir });
  execFileSync('ld', ['-T', 'kernel.lds', 'kernel.o', '-o', 'vmlinux'], { cwd: dir });
  return parseElf(new Uint8Array(readFileSync(path.join(dir, 'vmlinux'))), 'vmlinux');
}

test('a linked kernel says itself what it exports, to whom and in which namespace', () => {
  const vmlinux = linked(exported('vfs_read', '', '') + exported('dma_map', '_gpl', 'DMA_BUF'));
  expect(exportsOfKernel(vmlinux).trimEnd().split('\n').sort()).toEqual([
    '0x00000000\tdma_map\tvmlinux\tEXPORT_SYMBOL_GPL\tDMA_BUF',
    '0x00000000\tvfs_read\tvmlinux\tEXPORT_SYMBOL\t',
  ]);
});

describe.each(['inTable', 'absolute'] as const)('the list of another build is told, checksums %s', (form) => {
  const checksum = checksummed[form];
  const vmlinux = linked(
    exported('vfs_read', '', '') +
      exported('dma_map', '_gpl', '') +
      checksum('vfs_read', '0x89abcdef') +
      checksum('dma_map', '0x00000012'),
  );
  const list = (...lines: string[]): string =>
    `${lines.join('\n')}\n0x00000007\tsctp_do\tnet/sctp/sctp\tEXPORT_SYMBOL\t\n`;
  const read = '0x89abcdef\tvfs_read\tvmlinux\tEXPORT_SYMBOL\t';
  const map = '0x00000012\tdma_map\tvmlinux\tEXPORT_SYMBOL_GPL\t';

  test.each([
    ['the same', list(map, read), undefined],
    [
      'another checksum',
      list(map, read.replace('89ab', '89ac')),
      'vfs_read with the checksum 0x89accdef, which is 0x89abcdef there',
    ],
    ['one too few', list(map), 'no vfs_read, which that kernel exports'],
    ['one too many', list(map, read, read.replace('read', 'write')), 'vfs_write, which that kernel does not export'],
  ])('%s', (_, symvers, other) => {
    expect(otherExport(vmlinux, symvers)).toBe(other);
  });
});
