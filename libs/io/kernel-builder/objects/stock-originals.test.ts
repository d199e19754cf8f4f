// SPDX-License-Identifier: GPL-2.0-only
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import type { IndexedObject } from '@lockstep/domain/source-patch';
import { isDoubted } from '../builds/doubted-kernel';
import { generatedFiles } from '../builds/generated-files';
import { provideOriginals, type OriginalsOf } from './stock-originals';
import { noTables } from './tests/no-tables';

const dir = mkdtempSync(path.join(tmpdir(), 'lockstep-stock-'));
afterAll(() => {
  rmSync(dir, { recursive: true });
});

/** `gcc (Debian 12.2.0-14) 12.2.0` */
const installed = execFileSync('gcc', ['--version'], { encoding: 'utf8' }).split('\n', 1)[0] ?? '';

const flags = '-O2 -mcmodel=kernel -fno-pic -fno-asynchronous-unwind-tables -fcf-protection=none';

/** A tree whose build compiles single objects and saves their commands, as the kernel's does. */
const makefile = `
mm/sum.o: mm/generated.h
mm/generated.h:
\t@echo '#define STEP 3' > $@
%.o: %.c
\t@echo '  CC      $@'
\t@gcc ${flags} -c -o $@ $<
\t@printf 'cmd_$@ := gcc ${flags} -c -o $@ $<\\n\\nsource_$@ := $<\\n\\ndeps_$@ := \\\\\\n  mm/generated.h \\\\\\n\\n' > $(@D)/.$(@F).cmd
`;

const sum = '#include "generated.h"\nint table[4]; int sum(int at) { return table[at & 3] + 7; }\n';

/** A kernel that a vendor linked from `vendorSource`, and a tree that has `source`. */
function stockKernel(name: string, source: string, vendorSource = source): OriginalsOf {
  const treeDir = path.join(dir, name, 'tree');
  for (const folder of ['mm', 'net', '.vendor/modules']) mkdirSync(path.join(treeDir, folder), { recursive: true });
  writeFileSync(path.join(treeDir, 'Makefile'), makefile);
  writeFileSync(path.join(treeDir, 'mm/sum.c'), vendorSource);
  writeFileSync(path.join(treeDir, 'net/alone.c'), 'int alone(void) { return 1; }\n');
  const run = (...command: string[]): void => {
    const [program = '', ...args] = command;
    execFileSync(program, args, { cwd: treeDir, stdio: 'pipe' });
  };
  run('make', '-s', 'mm/sum.o');
  run('ld', '-Ttext=0xffffffff81000000', '-n', '-e', '0', 'mm/sum.o', '-o', '.vendor/kernel');
  run('rm', 'mm/sum.o', 'mm/.sum.o.cmd', 'mm/generated.h');
  writeFileSync(path.join(treeDir, 'mm/sum.c'), source);
  const tools = { compiler: 'gcc', makeArguments: [] };
  const stock = { distribution: 'debian', tools, vmlinuxSha256: '0'.repeat(64), remarks: [] };
  return {
    dir: path.join(dir, name),
    treeDir,
    registeredAtMs: Date.now(),
    release: '6.1.0-50-cloud-amd64',
    compiler: installed,
    tools,
    stock,
    facts: { tables: noTables },
  };
}

const inKernel: IndexedObject = { path: 'mm/sum.o', source: 'mm/sum.c', object: 'vmlinux' };
const inModule: IndexedObject = { path: 'net/alone.o', source: 'net/alone.c', object: 'alone' };

describe('an original object of a stock kernel', () => {
  test('is compiled once, by the kernel build itself, and proved', async () => {
    const kernel = stockKernel('same', sum);
    const stages: string[] = [];
    const follow =
      (prefix: string) =>
      ({ stage }: { stage: string }): void => {
        stages.push(`${prefix}${stage}`);
      };
    await provideOriginals(kernel, [inKernel], { onProgress: follow('') });
    expect(readFileSync(path.join(kernel.treeDir, 'mm/.sum.o.cmd'), 'utf8')).toContain('source_mm/sum.o := mm/sum.c');
    expect(JSON.parse(readFileSync(path.join(kernel.dir, 'proofs-2/mm/sum.o.json'), 'utf8'))).toEqual({
      functions: 1,
      equal: 1,
      overridden: [],
      differences: [],
    });
    expect(stages).toContain("compile the kernel's own objects");
    expect(generatedFiles(kernel.dir)).toEqual(['mm/generated.h']);
    await provideOriginals(kernel, [inKernel], { onProgress: follow('again: ') });
    expect(stages).not.toContain("again: compile the kernel's own objects");
  });

  test('that is not what the vendor has is refused, with function, place and the likely reason, again as well', async () => {
    const kernel = stockKernel('other', sum, sum.replace('7', '8'));
    const refused = {
      kind: 'refused',
      reason: 'original-differs',
      message: expect.stringMatching(
        /mm\/sum\.o.*vmlinux.*sum\+0x[0-9a-f]+: it has the bytes 07 .*vendor's 08 .*likely/,
      ) as unknown,
      fields: { objectPath: 'mm/sum.o', object: 'vmlinux' },
    };
    expect(await isDoubted(kernel.dir)).toBe(false);
    await expect(provideOriginals(kernel, [inKernel])).rejects.toMatchObject(refused);
    await expect(provideOriginals(kernel, [inKernel])).rejects.toMatchObject(refused);
    expect(await isDoubted(kernel.dir)).toBe(true);
  });

  test('that another compiler made is told by that, and made again by the right one', async () => {
    const kernel = stockKernel('compiler', sum, sum.replace('7', '8'));
    const vendors = { ...kernel, compiler: installed.replace(/[\d.]+$/, '9.1.0') };
    const wrong =
      /^mm\/sum\.o.*It was compiled by GCC: .*, the vendor's kernel by gcc .* 9\.1\.0\. Install that very version/;
    await expect(provideOriginals(vendors, [inKernel])).rejects.toMatchObject({
      reason: 'original-differs',
      message: expect.stringMatching(wrong) as unknown,
    });
    // What the vendor's compiler would make of it.
    writeFileSync(path.join(kernel.treeDir, 'mm/sum.c'), sum.replace('7', '8'));
    await expect(provideOriginals(vendors, [inKernel])).resolves.toMatchObject([{ proof: { differences: [] } }]);
  });

  test('of a module that the vendor does not ship is refused', async () => {
    await expect(provideOriginals(stockKernel('alone', sum), [inModule])).rejects.toMatchObject({
      reason: 'not-in-vendor-kernel',
      fields: { object: 'alone' },
    });
  });

  test('that does not compile is told by what the build says', async () => {
    await expect(provideOriginals(stockKernel('broken', 'int sum(\n', sum), [inKernel])).rejects.toMatchObject({
      reason: 'make-failed',
      message: expect.stringContaining('error') as unknown,
    });
  });

  test('of a kernel that was built in its tree is there already', async () => {
    const { stock, ...built } = stockKernel('built', sum);
    expect(stock).toBeDefined();
    await expect(provideOriginals({ ...built, stock: undefined }, [inKernel])).resolves.toEqual([]);
  });
});
