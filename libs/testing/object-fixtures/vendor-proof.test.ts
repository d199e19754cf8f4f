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
  proveObject,
  type LinkedImage,
  type ObjectProof,
} from '@lockstep/domain/vendor-kernel';

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
