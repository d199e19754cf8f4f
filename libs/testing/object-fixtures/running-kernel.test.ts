// SPDX-License-Identifier: GPL-2.0-only
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { parseElf } from '@lockstep/domain/elf';
import {
  compareKernels,
  compiledByOther,
  addedOptions,
  droppedOptions,
  isWholeConfig,
  otherCompiler,
  unsupportedOption,
} from '@lockstep/domain/running-kernel';

const dir = mkdtempSync(path.join(tmpdir(), 'lockstep-running-'));
afterAll(() => {
  rmSync(dir, { recursive: true });
});

const flags = ['-O2', '-mcmodel=kernel', '-fno-pic', '-fno-asynchronous-unwind-tables', '-fcf-protection=none'];

/** A kernel in small: linked at the kernel's addresses, of a source that macros change. */
function kernel(name: string, ...defines: string[]): Uint8Array {
  const source = `
    #ifndef PADDING
    #define PADDING "short"
    #endif
    const char linux_banner[] = "Linux version 6.1.0 (me@" PADDING ") (gcc (Debian 12.2.0-14) 12.2.0, GNU ld 2.40) #1 SMP";
    struct info { long uptime;
    #ifdef SWAPPED
    long freeram, totalram;
    #else
    long totalram, freeram;
    #endif
    #ifdef GROWN
    long shared;
    #endif
    } info;
    long table[8];
    long (*hook)(void);
    static __attribute__((noinline)) long inner(int at) { return table[at & 7] + (long)linux_banner; }
    long total(void) { return info.totalram + inner(3); }
    long set(long value) { info.freeram = value; hook = total; return inner(4); }
    long keep(struct info *info) { return info->totalram; }
    void _start(void) { set(total()); }`;
  const [input, output] = [path.join(dir, `${name}.c`), path.join(dir, name)];
  writeFileSync(input, source);
  const link = ['-nostdlib', '-static', '-Wl,-Ttext=0xffffffff81000000', '-Wl,--build-id', '-Wl,-n'];
  execFileSync('gcc', [...flags, ...defines, ...link, input, '-o', output], { stdio: 'pipe' });
  return new Uint8Array(readFileSync(output));
}

const own = kernel('own');

describe('a kernel and the tree that it is said to be from', () => {
  test('the same source, built elsewhere: addresses move, nothing differs', () => {
    expect(compareKernels(kernel('again'), own)).toBeNull();
    const far = kernel('far', `-DPADDING="${'a-much-longer-name'.repeat(20)}"`);
    expect(compareKernels(far, own)).toBeNull();
  });

  test('two members swapped, which no size shows', () => {
    const difference = compareKernels(kernel('swapped', '-DSWAPPED'), own);
    expect(difference).toMatchObject({
      kind: 'function',
      name: expect.stringMatching(/^(total|set|keep)$/) as unknown,
    });
  });

  test('another function is missing', () => {
    expect(compareKernels(kernel('renamed', '-Dtotal=total_then'), own)).toMatchObject({
      kind: 'missing-function',
      name: 'total',
    });
  });

  test('types that the kernel records itself', () => {
    const withTypes = kernel('types', '-gbtf');
    const difference = compareKernels(kernel('grown', '-gbtf', '-DGROWN'), withTypes);
    expect(difference).toEqual({
      kind: 'layout',
      change: { type: 'struct info', member: 'shared', what: 'is gone from byte 24', isPadding: false },
    });
    expect(compareKernels(withTypes, withTypes)).toBeNull();
  });
});

describe('the compiler', () => {
  const object = (name: string, text: string, ...more: string[]): Uint8Array => {
    const [input, output] = [path.join(dir, `${name}.c`), path.join(dir, `${name}.o`)];
    writeFileSync(input, text);
    execFileSync('gcc', [...flags, ...more, '-c', input, '-o', output]);
    return new Uint8Array(readFileSync(output));
  };
  const sample = object('sample', 'int x;');
  const foreign = object(
    'foreign',
    '__asm__(".section .comment\\n.string \\"GCC: 4.8\\"\\n.previous\\n.ident \\"other\\"");',
  );

  test('as the banner names it', () => {
    expect(otherCompiler(own, 'gcc (Debian 12.2.0-14) 12.2.0', sample)).toBeNull();
    expect(otherCompiler(own, 'gcc (GCC) 13.1.0', sample)).toEqual({
      place: 'banner',
      compiler: 'gcc (Debian 12.2.0-14) 12.2.0',
    });
  });

  test.each([
    [
      'a vendor that names more than the compiler',
      'Android (7284624, based on r416183b) clang version 12.0.5 (https://x)',
    ],
    ['Red Hat', 'gcc (GCC) 11.4.1 20230605 (Red Hat 11.4.1-2)'],
    ['Ubuntu', 'gcc (Ubuntu 11.4.0-1ubuntu1~22.04) 11.4.0'],
    ['a compiler for another machine', 'x86_64-linux-gnu-gcc-12 (Debian 12.2.0-14) 12.2.0'],
  ])('as the banner of %s names it', (_, compiler) => {
    const banner = `Linux version 5.15.0-91 (root@(none)) (${compiler}, GNU ld (GNU Binutils) 2.38) #101 SMP`;
    const kernelOf = object('named', `const char linux_banner[] = "${banner}";`);
    expect(otherCompiler(kernelOf, compiler, sample)).toBeNull();
    for (const another of [compiler.slice(0, -1), `${compiler}.1`]) {
      expect(otherCompiler(kernelOf, another, sample)).toMatchObject({ place: 'banner' });
    }
  });

  test('as it signs what it makes', () => {
    expect(otherCompiler(own, 'gcc (Debian 12.2.0-14) 12.2.0', foreign)).toMatchObject({ place: '.comment' });
  });

  test.each([
    ['gcc (Debian 12.2.0-14) 12.2.0', 'GCC: (Debian 12.2.0-14) 12.2.0', null],
    ['gcc-12 (Debian 12.2.0-14) 12.2.0', 'GCC: (Debian 12.2.0-14) 12.2.0', null],
    ['gcc-12 (Debian 12.2.0-14) 12.2.0', 'GCC: (Debian 12.2.0-13) 12.2.0', 'GCC: (Debian 12.2.0-13) 12.2.0'],
    ['gcc (GCC) 13.1.0', 'GCC: (GNU) 13.1.0', null],
    ['Debian clang version 14.0.6', 'Debian clang version 14.0.6', null],
    ['Debian clang version 14.0.6', 'GCC: (GNU) 13.1.0', 'GCC: (GNU) 13.1.0'],
  ])('of an object, where the vendor used %s and it says %s', (vendors, said, other) => {
    const signed = object('signed', `__asm__(".section .comment\\n.string \\"${said}\\"\\n.previous");`, '-fno-ident');
    expect(compiledByOther(parseElf(signed, 'signed.o'), vendors)).toBe(other);
  });
});

describe('the config', () => {
  test('what was asked for and not granted, but for what tools tell', () => {
    const asked =
      'CONFIG_A=y\nCONFIG_B=m\nCONFIG_NR=64\nCONFIG_CC_HAS_IT=y\nCONFIG_GCC_VERSION=120200\n# CONFIG_OFF is not set\n';
    const got = 'CONFIG_A=y\nCONFIG_NR=32\nCONFIG_OFF=y\nCONFIG_NEW=y\n';
    expect(droppedOptions(asked, got)).toEqual([
      { option: 'B', asked: 'm', got: 'n' },
      { option: 'NR', asked: '64', got: '32' },
      { option: 'OFF', asked: 'n', got: 'y' },
    ]);
    expect(droppedOptions(asked, asked)).toEqual([]);
  });

  test('lines that end as Windows ends them ask, too', () => {
    const asked = 'CONFIG_A=y\r\nCONFIG_B=m\r\n# CONFIG_OFF is not set\r\nCONFIG_NR=64\r\n';
    expect(droppedOptions(asked, 'CONFIG_A=y\nCONFIG_OFF=y\nCONFIG_NR=64\n')).toEqual([
      { option: 'B', asked: 'm', got: 'n' },
      { option: 'OFF', asked: 'n', got: 'y' },
    ]);
  });

  test('what kconfig reads as the same is granted: words after a value, an empty text that goes, a number without 0x', () => {
    const asked = [
      ...['A=y # wanted', 'B=no ', 'TEXT=""', 'C=Y', 'NAME="a \\"b\\" # c" # text'],
      ...['START=1000000', 'END=1000000', 'LINE=x'],
    ];
    const got = ['A=y', 'NAME="a \\"b\\" # c"', 'START=0x1000000', 'END=0x200000', 'LINE=""'];
    const config = (lines: readonly string[]): string => lines.map((line) => `CONFIG_${line}\n`).join('');
    expect(droppedOptions(config(asked), config(got))).toEqual([
      { option: 'C', asked: 'Y', got: 'n' },
      { option: 'END', asked: '1000000', got: '0x200000' },
      { option: 'LINE', asked: 'x', got: '""' },
    ]);
  });

  test('what is on by default in it, but for what tools tell and what is on in name only', () => {
    const asked = '# CONFIG_A is not set\nCONFIG_B=m\n';
    const got =
      'CONFIG_A=y\nCONFIG_B=m\nCONFIG_NEW=y\nCONFIG_LEVEL=7\nCONFIG_TEXT=""\nCONFIG_RUST_IS_AVAILABLE=y\n# CONFIG_C is not set\n';
    expect(addedOptions(asked, got)).toEqual([
      { option: 'NEW', got: 'y' },
      { option: 'LEVEL', got: '7' },
    ]);
  });

  test.each([
    [
      '#\n# Automatically generated file; DO NOT EDIT.\n# Linux/x86 6.1.176 Kernel Configuration\n#\nCONFIG_A=y\n',
      true,
    ],
    ['CONFIG_A=y\n', false],
  ])('is whole where a build wrote it: %j', (config, isWhole) => {
    expect(isWholeConfig(config)).toBe(isWhole);
  });

  test('a plugin of the compiler that is not to be had here is one of those', () => {
    const asked = 'CONFIG_GCC_PLUGINS=y\nCONFIG_GCC_PLUGIN_LATENT_ENTROPY=y\nCONFIG_CC_OPTIMIZE_FOR_SIZE=y\n';
    expect(droppedOptions(asked, '').map(({ option }) => option)).toEqual([
      'GCC_PLUGIN_LATENT_ENTROPY',
      'CC_OPTIMIZE_FOR_SIZE',
    ]);
  });

  const instrumented = ['KASAN', 'KMSAN', 'KCSAN', 'GCOV_KERNEL', 'PROFILE_ANNOTATED_BRANCHES', 'PROFILE_ALL_BRANCHES'];
  test.each([...instrumented, 'GCC_PLUGIN_LATENT_ENTROPY', 'LTO_CLANG', 'CFI_CLANG'])(
    '%s is refused by name',
    (option) => {
      expect(unsupportedOption(`CONFIG_X=y\nCONFIG_${option}=y\n`, true)?.option).toBe(option);
      expect(
        unsupportedOption(`CONFIG_X=y\n# CONFIG_${option} is not set\nCONFIG_HAVE_${option}=y\n`, true),
      ).toBeNull();
    },
  );

  test('random layouts go with their seed, not without', () => {
    for (const option of ['RANDSTRUCT', 'GCC_PLUGIN_RANDSTRUCT']) {
      expect(unsupportedOption(`CONFIG_${option}=y\n`, true)).toBeNull();
      expect(unsupportedOption(`CONFIG_${option}=y\n`, false)?.option).toBe(option);
    }
  });
});
