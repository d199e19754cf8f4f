// SPDX-License-Identifier: GPL-2.0-only
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { parseElf, sectionFlag, symbolType, type ElfFile } from '@lockstep/domain/elf';
import {
  describeDifference,
  kernelImage,
  likelyReason,
  moduleImage,
  proveObject as proveBy,
  type LinkedImage,
  type ObjectProof,
} from '@lockstep/domain/vendor-kernel';
import { fixtureTables } from './compile-c';

const dir = mkdtempSync(path.join(tmpdir(), 'lockstep-proof-'));
afterAll(() => {
  rmSync(dir, { recursive: true });
});

const flags = ['-O2', '-mcmodel=kernel', '-fno-pic', '-fno-asynchronous-unwind-tables', '-fcf-protection=none', '-g'];
const run = (program: string, ...args: string[]): void => {
  execFileSync(program, args, { cwd: dir, stdio: 'pipe' });
};

/** What is proved: static and global functions and data, merged strings, tables, a weak function, one without a name. */
const subject = `
  extern long other(long), another(long), outside[4];
  extern int print(const char *, ...);
  static long calls;
  struct state { long a, b; } state = { 1, 2 };
  static const char *const names[] = { "none", "some", "all" };
  __attribute__((weak)) long arch_hook(long value) { return value + CONSTANT; }
  static __attribute__((noinline)) long step(long value) { calls += value; return calls ^ outside[1]; }
  long work(long value) { print("a text " TEXT " %ld", value); return step(value) + CALLEE(value + CONSTANT); }
  long choose(unsigned long which) { return which < 3 ? print(names[which]) : arch_hook(state.b); }
  long weigh(int which) {
    switch (which) { case 0: return 17; case 1: return 4; case 2: return 99; case 3: return TABLED; case 4: return 5; default: return 0; }
  }
#ifdef ADDED
  long added(long value) { return value * 3; }
#endif
#ifdef GROWN
  long grown(long value) { if (value > 7) calls = value; return other(value); }
#else
  long grown(long value) { return other(value); }
#endif
`;
const rest = `
  long outside[4]; static long step(long value) { return value * 5; }
  __attribute__((noinline)) long other(long value) { return step(value) + outside[0]; }
  __attribute__((noinline)) long another(long value) { return value - outside[2]; }
  int print(const char *text, ...) { return text[0] + (long)"a text of its own"; }
  long arch_hook(long value) { return value - 1; }
  void _start(void) { }
`;

const usual = { CONSTANT: '40', TEXT: '"usual"', CALLEE: 'other', TABLED: '31' };

/** Compiles the subject as `folder/core.c`; the other object has a file of the same name and a function of the same. */
function compile(name: string, source: string, defines: Readonly<Record<string, string>> = {}): string {
  const folder = path.join(dir, name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, 'core.c'), source);
  const macros = Object.entries(defines).map(([macro, value]) => `-D${macro}=${value}`);
  execFileSync('gcc', [...flags, ...macros, '-c', 'core.c', '-o', 'core.o'], { cwd: folder, stdio: 'pipe' });
  return path.join(folder, 'core.o');
}

const proveObject = (object: ElfFile, image: LinkedImage): ObjectProof => proveBy(object, image, fixtureTables);
const read = (file: string): ElfFile => parseElf(new Uint8Array(readFileSync(file)), path.basename(file));
const restObject = compile('rest', rest);

function linkKernel(name: string, object: string): string {
  const output = path.join(dir, `${name}.vmlinux`);
  run('ld', '-Ttext=0xffffffff81000000', '-n', restObject, object, '-o', output);
  return output;
}

const ours = compile('ours', subject, usual);
const kernel = linkKernel('vendor', ours);

/** Our object against a kernel of the same source, some macros of which were others. */
const against = (name: string, defines: Readonly<Record<string, string>>): ObjectProof =>
  proveObject(read(ours), kernelImage(read(linkKernel(name, compile(name, subject, { ...usual, ...defines })))));

const shown = (proof: ObjectProof): string[] => proof.differences.map((one) => describeDifference(one));

describe('an object against the kernel that it was linked into', () => {
  test('every function is the same; a weak one that another overrides is told', () => {
    const proof = proveObject(read(ours), kernelImage(read(kernel)));
    expect(proof).toEqual({ functions: 6, equal: 5, overridden: ['arch_hook'], differences: [] });
  });

  test('another constant is another byte of code', () => {
    expect(against('constant', { CONSTANT: '41' }).differences).toMatchObject([{ kind: 'code', name: 'work' }]);
  });

  test('a call of another function is told by both names', () => {
    expect(against('callee', { CALLEE: 'another' }).differences).toMatchObject([
      { kind: 'target', name: 'work', ours: 'other', vendors: 'another' },
    ]);
  });

  test('another text is told, though both are addresses', () => {
    const proof = against('text', { TEXT: '"vendor"' });
    expect(proof.differences).toMatchObject([
      { kind: 'target', name: 'work', ours: '"a text usual %ld"', vendors: '"a text vendor %ld"' },
    ]);
    expect(likelyReason(proof, '6.1.0-50')).toContain('Only texts differ');
  });

  test('another value in a table that code reads', () => {
    expect(against('table', { TABLED: '32' }).differences).toMatchObject([{ kind: 'code', name: '.rodata' }]);
  });

  test('a function that grew, and what no longer follows it', () => {
    const proof = against('grown', { GROWN: '1' });
    expect(proof.differences).toContainEqual(expect.objectContaining({ kind: 'size', name: 'grown' }));
    expect(likelyReason(proof, '6.1.0-50')).toContain('Few functions differ');
  });

  test('a function that the vendor lacks', () => {
    const object = read(compile('with-more', subject, { ...usual, ADDED: '1' }));
    expect(shown(proveObject(object, kernelImage(read(kernel))))).toContainEqual(
      'added: the vendor has no such function',
    );
  });

  test('nothing of a kernel that it is no part of', () => {
    const proof = proveObject(
      read(ours),
      kernelImage(read(linkKernel('stranger', compile('stranger', 'int stranger;')))),
    );
    expect(proof.equal).toBe(0);
    expect(likelyReason(proof, '6.1.0-50')).toContain('No function is the same');
  });
});

describe('what several objects have, or none', () => {
  /** The proof of one object, linked behind another. */
  const behind = (name: string, source: string, before: string): ObjectProof => {
    const object = compile(`${name}-own`, source);
    const output = path.join(dir, `${name}.vmlinux`);
    const entry = ['-Ttext=0xffffffff81000000', '-n', '-e', '0'];
    run('ld', ...entry, compile(`${name}-before`, before), object, '-o', output);
    return proveObject(read(object), kernelImage(read(output)));
  };

  test('a weak function of which another object has a weak one that comes first', () => {
    const proof = behind(
      'weak',
      '__attribute__((weak)) int hook(int by) { return by + 1; } int use(int by) { return by * 3; }',
      '__attribute__((weak)) int hook(int by) { return by + 2; }',
    );
    expect(proof).toEqual({ functions: 2, equal: 1, overridden: ['hook'], differences: [] });
  });

  test('a weak constant that another object overrides tells nothing of where the others are', () => {
    const proof = behind(
      'banner',
      '__attribute__((weak)) const char banner[] = "mine"; const char text[] = "of mine"; const char *all(int at) { return text + at; }',
      'const char other[] = "before"; const char banner[] = "the real one";',
    );
    expect(proof).toEqual({ functions: 1, equal: 1, overridden: [], differences: [] });
  });

  test('where a loop over a text ends, behind its end, is a place in nothing', () => {
    const ends = (text: string): string => `
      __asm__(".pushsection .rodata.str1.1, \\"aMS\\", @progbits, 1\\n.Lown: .string \\"${text}\\"\\n.popsection");
      int use(long at) { int less; __asm__("cmp $.Lown+9, %1\\n\\tsetb %b0" : "=r"(less) : "r"(at)); return less; }`;
    const before = 'const char *first(void) { return "any text"; }';
    expect(behind('end', ends('own'), before)).toMatchObject({ equal: 1, differences: [] });
    const object = read(compile('end-other', ends('one')));
    const linked = kernelImage(read(path.join(dir, 'end.vmlinux')));
    expect(proveObject(object, linked).differences).toMatchObject([{ name: 'use', ours: '"one"', vendors: '"own"' }]);
  });
});

describe('what is not in the bytes of functions', () => {
  /** One object and a kernel of the same source with other macros, linked by the script that gives tables their bounds. */
  const linked = (name: string, source: string, own: string, vendors: string): ObjectProof => {
    const script = path.join(dir, 'tables.lds');
    const bounded = (start: string, table: string, end: string): string => `${start} = .; *(${table}) ${end} = .;`;
    writeFileSync(
      script,
      `SECTIONS {
        . = 0xffffffff81000000;
        .text : { *(.text .text.*) *(.fixup) }
        .rodata : {
          *(.rodata .rodata.*)
          ${bounded('__start___jump_table', '__jump_table', '__stop___jump_table')}
          ${bounded('__start___bug_table', '__bug_table', '__stop___bug_table')}
          ${bounded('__start___ex_table', '__ex_table', '__stop___ex_table')}
          ${bounded('__alt_instructions', '.altinstructions', '__alt_instructions_end')}
        }
        .altinstr_replacement : { *(.altinstr_replacement) }
        .data : { *(.data) } .bss : { *(.bss) }
        /DISCARD/ : { *(.discard.text) }
      }`,
    );
    const both = [own, vendors].map((macro, index) => compile(`${name}-${index}`, source, { [macro]: '1' }));
    const output = path.join(dir, `${name}.vmlinux`);
    run(
      'ld',
      '-T',
      script,
      '-e',
      '0',
      compile(`${name}-before`, 'long before(long by) { return by; }'),
      both[1] ?? '',
      '-o',
      output,
    );
    return proveObject(read(both[0] ?? ''), kernelImage(read(output)));
  };
  test.each([
    ['a branch that asks another key', '__jump_table', '.long 1b-., 1b-.; .quad " KEY "-.'],
    ['a warning that is given once', '__bug_table', '.long 1b-., 0; .short 7, " FLAGS "'],
    ['an exception that is taken for another', '__ex_table', '.long 1b-., 1b-., " FLAGS "'],
    ['an alternative of another feature', '.altinstructions', '.long 1b-., 1b-.; .short " FLAGS "; .byte 1, 0'],
  ])('%s', (_, name, entry) => {
    const source = `
      #ifdef OWN
      #define FLAGS "1"
      #define KEY "key_a"
      #else
      #define FLAGS "3"
      #define KEY "key_b"
      #endif
      long key_a = 1, key_b = 1;
      long asked(long value) {
        __asm__ volatile ("1: nop; .pushsection ${name}, \\"a\\"; ${entry}; .popsection" : "+r"(value));
        return value + 1;
      }`;
    expect(linked(`same${name}`, source, 'OWN', 'OWN')).toMatchObject({ equal: 1, differences: [] });
    const { equal, differences } = linked(`other${name}`, source, 'OWN', 'VENDORS');
    expect(differences).toMatchObject([{ kind: 'entry', name: 'asked', table: name }]);
    expect(equal).toBe(0);
  });

  test('a place of which only the vendor has a table say something', () => {
    const source = `
      long asked(long value) {
        __asm__ volatile ("1: nop" : "+r"(value));
      #ifdef VENDORS
        __asm__ volatile (".pushsection __ex_table, \\"a\\"; .long 1b-., 1b-., 1; .popsection");
      #endif
        return value + 1;
      }`;
    const { differences } = linked('entry-more', source, 'OWN', 'VENDORS');
    expect(differences).toMatchObject([{ kind: 'entry', name: 'asked', ours: 'nothing', vendors: 'something' }]);
  });

  test('where an exception goes on: code without a name', () => {
    const source = `
      #ifdef OWN
      #define ERROR "-14"
      #else
      #define ERROR "-5"
      #endif
      long asked(long value) {
        __asm__ volatile ("1: nop; 2: .pushsection .fixup, \\"ax\\"; 3: mov $" ERROR ", %%eax; jmp 2b; .popsection;"
          ".pushsection __ex_table, \\"a\\"; .long 1b-., 3b-., 1; .popsection" : "+r"(value));
        return value + 1;
      }`;
    expect(linked('fixup-same', source, 'OWN', 'OWN').differences).toEqual([]);
    expect(linked('fixup', source, 'OWN', 'VENDORS').differences).toMatchObject([{ kind: 'code', name: '.fixup' }]);
  });

  test('two variables that have changed their places: the kernel finds them by name', () => {
    const source = `
      #ifdef OWN
      #define IN_ORDER static int first = 1; static int second = 2; static int third = 3;
      #define ASKED second
      #else
      #define IN_ORDER static int first = 1; static int third = 2; static int second = 3;
      #define ASKED third
      #endif
      IN_ORDER
      int set(int by) { return first += by, second += by, third += by; }
      int asked(void) { return ASKED; }`;
    const { differences } = linked('swapped', source, 'OWN', 'VENDORS');
    expect(differences.map((one) => describeDifference(one))).toContain(
      'second: the vendor has it apart from its neighbours',
    );
  });

  test('a weak function that is strong in the same file of the vendor is not overridden by it', () => {
    const source = `
      #ifdef OWN
      __attribute__((weak))
      #define BY 3
      #else
      #define BY 4
      #endif
      long hook(long value) { return value * BY; }
      long other_one(long value) { return value + 1; }`;
    expect(linked('strong', source, 'OWN', 'VENDORS')).toMatchObject({
      overridden: [],
      differences: [{ name: 'hook' }],
    });
  });

  test('a function that only tells the linker something is in no kernel', () => {
    const source = `
      static void __attribute__((used, section(".discard.text"))) reserve(void) { __asm__ volatile ("nop"); }
      long asked(long value) { return value + 1; }`;
    expect(linked('discarded', source, 'OWN', 'OWN')).toMatchObject({ functions: 1, equal: 1, differences: [] });
  });

  const distant = `
    #ifdef OWN
    #define REGION 0x778000000000ul
    #else
    #define REGION 0x678000000000ul
    #endif
    long state = 1;
    unsigned long asked(void) { return (unsigned long)&state + REGION; }`;

  test("a variable's physical address, a region's distance away", () => {
    expect(linked('distant-same', distant, 'OWN', 'OWN').differences).toEqual([]);
    const [wrong] = linked('distant', distant, 'OWN', 'VENDORS').differences;
    expect(wrong).toMatchObject({ kind: 'target', name: 'asked' });
  });

  test('the same of a module', () => {
    const object = compile('distant-module', distant, { OWN: '1' });
    const module = path.join(dir, 'distant.ko');
    run('ld', '-r', object, '-o', module);
    expect(proveObject(read(object), moduleImage(read(module))).differences).toEqual([]);
  });

  test('constants that only other constants name', () => {
    const source = `
      #ifdef OWN
      #define LAST "3"
      #else
      #define LAST "4"
      #endif
      __asm__(".pushsection .rodata.inner, \\"a\\"; .Linner: .long 1, 2, " LAST "; .popsection;"
              ".pushsection .rodata.outer, \\"a\\"; .Louter: .quad .Linner; .popsection");
      long asked(long at) { long found; __asm__("mov .Louter(%1), %0" : "=r"(found) : "r"(at)); return found; }`;
    expect(linked('inner-same', source, 'OWN', 'OWN').differences).toEqual([]);
    expect(linked('inner', source, 'OWN', 'VENDORS').differences).toMatchObject([
      { kind: 'code', name: '.rodata.inner' },
    ]);
  });
});

/** The place of each byte of the functions that are proved, in a file. */
function codeBytes(image: ElfFile, names: ReadonlySet<string>): number[] {
  const places: number[] = [];
  const { symbols } = image;
  for (let symbol = 1; symbol < symbols.count; symbol++) {
    if (symbols.type(symbol) !== symbolType.function || !names.has(symbols.name(symbol))) continue;
    const section = image.sections[symbols.section(symbol)];
    if (section === undefined || (section.flags & sectionFlag.exec) === 0) continue;
    const start = symbols.addressLow(symbol) - image.sectionTable.addressLow(section.index);
    for (let at = 0; at < symbols.sizeBytes(symbol); at++) places.push(section.offset + start + at);
  }
  return places;
}

describe('no byte of a function goes unnoticed', () => {
  const proved = new Set(['work', 'choose', 'weigh', 'grown']);

  test('of a kernel, the fields that the linker filled in among them', () => {
    const bytes = new Uint8Array(readFileSync(kernel));
    const object = read(ours);
    const places = codeBytes(parseElf(bytes, 'vmlinux'), proved);
    expect(places.length).toBeGreaterThan(100);
    const unnoticed = places.filter((place) => {
      const changed = bytes.slice();
      changed[place] = (changed[place] ?? 0) ^ 0x10;
      return proveObject(object, kernelImage(parseElf(changed, 'vmlinux'))).differences.length === 0;
    });
    expect(unnoticed).toEqual([]);
  });
});

describe('a module', () => {
  const whole = path.join(dir, 'whole.ko');
  run('ld', '-r', restObject, ours, '-o', whole);
  const shipped = path.join(dir, 'shipped.ko');
  run('strip', '--strip-debug', whole, '-o', shipped);

  const image = (module: string, named?: string): LinkedImage =>
    moduleImage(read(module), named === undefined ? undefined : read(named));

  test('as it is linked', () => {
    expect(proveObject(read(ours), image(whole))).toEqual({
      functions: 6,
      equal: 5,
      overridden: ['arch_hook'],
      differences: [],
    });
  });

  test('as it is shipped: stripped of file names, which its debug file has', () => {
    expect(read(shipped).symbols.count).toBeLessThan(read(whole).symbols.count);
    const debug = path.join(dir, 'shipped.ko.debug');
    run('objcopy', '--only-keep-debug', whole, debug);
    expect(proveObject(read(ours), image(shipped, debug)).differences).toEqual([]);
    expect(proveObject(read(ours), image(shipped, debug)).equal).toBe(5);
  });

  test('another callee outside of the module is told', () => {
    const object = read(compile('other-callee', subject, { ...usual, CALLEE: 'another' }));
    const alone = path.join(dir, 'alone.ko');
    run('ld', '-r', ours, '-o', alone);
    expect(shown(proveObject(object, image(alone)))).toEqual([
      expect.stringMatching(/^work\+0x[0-9a-f]+: it names another, the vendor's kernel has no such symbol$/),
    ]);
  });
});
