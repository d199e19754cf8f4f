// SPDX-License-Identifier: GPL-2.0-only
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { parseElf } from '@lockstep/domain/elf';
import { belowSourceTree, readCompileUnits } from '@lockstep/domain/vendor-kernel';

const dir = mkdtempSync(path.join(tmpdir(), 'lockstep-lines-'));
afterAll(() => {
  rmSync(dir, { recursive: true });
});

const files: Readonly<Record<string, string>> = {
  'tree/init/main.c':
    '#include <linux/kernel.h>\n#include "own.h"\nint start(int at) { return inlined(at) + LIMIT; }\n',
  'tree/init/own.h': '#define LIMIT 5\n',
  'tree/include/linux/kernel.h': 'struct shape { int side; };\nstatic inline int inlined(int at) { return at * 3; }\n',
  'tree/lib/sort.c': '#include <linux/kernel.h>\nextern struct shape one;\nint sort(void) { return one.side; }\n',
};
for (const [file, text] of Object.entries(files)) {
  mkdirSync(path.dirname(path.join(dir, file)), { recursive: true });
  writeFileSync(path.join(dir, file), text);
}

const read = (file: string) => readCompileUnits(parseElf(new Uint8Array(readFileSync(path.join(dir, file))), file));

describe.each(['-gdwarf-5', '-gdwarf-4'])('line tables, %s', (version) => {
  const name = (file: string): string => `${file}${version}`;
  const compile = (source: string, output: string, tree: string, cwd: string): void => {
    execFileSync('gcc', [version, '-O2', '-Wno-unused', `-I${tree}/include`, '-c', source, '-o', output], { cwd });
  };

  test('name the sources and headers of every unit, of an output folder beside the source as well', () => {
    mkdirSync(path.join(dir, 'output'), { recursive: true });
    const cwd = path.join(dir, 'output');
    compile('../tree/init/main.c', name('../main.o'), '../tree', cwd);
    compile(path.join(dir, 'tree/lib/sort.c'), name('../sort.o'), path.join(dir, 'tree'), cwd);
    for (const [kind, ...args] of [
      ['module', '-r'],
      ['kernel', '-e', '0', '--unresolved-symbols=ignore-all'],
    ] as const) {
      execFileSync('ld', [...args, name('main.o'), name('sort.o'), '-o', name(kind)], { cwd: dir });
      const units = belowSourceTree(read(name(kind)));
      expect(units.map(({ source }) => source)).toEqual(['init/main.c', 'lib/sort.c']);
      // What only macros were used of is nowhere.
      expect(units.map((unit) => [...unit.files].sort())).toEqual([
        ['include/linux/kernel.h', 'init/main.c'],
        ['include/linux/kernel.h', 'lib/sort.c'],
      ]);
    }
  });
});

test('what was cut short is refused', () => {
  execFileSync('gcc', ['-g', '-c', 'tree/lib/sort.c', '-Itree/include', '-o', 'cut.o'], { cwd: dir });
  const bytes = new Uint8Array(readFileSync(path.join(dir, 'cut.o')));
  const { offset } = parseElf(bytes, 'cut.o').sections.find(({ name }) => name === '.debug_line') ?? { offset: 0 };
  new DataView(bytes.buffer).setUint32(offset, 0x7fff_ffff, true);
  expect(() => readCompileUnits(parseElf(bytes, 'cut.o'))).toThrow(/\.debug_line has a unit without an end/);
});
