// SPDX-License-Identifier: GPL-2.0-only
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { diffObjects, type ObjectDiff } from '@lockstep/domain/object-diff';
import { changedTypes, refuseTypeChanges } from '@lockstep/domain/type-layouts';
import { compileKeepingNames, fixtureTables } from '@lockstep/testing/object-fixtures';
import { garbage, type Shape } from './shape-sources';

/** What became of a shape. `needless`: refused, and running it all the same shows nothing wrong. */
export interface ShapeResult {
  readonly outcome: 'right' | 'refused' | 'needless' | 'wrong';
  readonly detail: string;
}

/** As kernels are compiled, without what needs one. */
export const shapeFlags =
  '-std=gnu11 -O2 -fno-pic -fcf-protection=none -fno-asynchronous-unwind-tables -fno-stack-protector -fno-strict-aliasing -pg -mfentry -mrecord-mcount';

/** How long a program may run that nothing holds up: some loops without an end are what is looked for. */
const runLimitMs = 10_000;

/**
 * Builds a shape as a patch build does, applies it to a running program as the kernel would, and sees whether that then
 * does what a program compiled from the patched source does.
 */
export function runShape(shape: Shape, dir: string): ShapeResult {
  writeFileSync(path.join(dir, 'shape.c'), shape.source);
  const [original, patched] = [compile(dir, 'original', ''), compile(dir, 'patched', '-DPATCHED')];
  const refusal = refusalOf(() => {
    const types = changedTypes(record(dir, 'original', ''), record(dir, 'patched', '-DPATCHED'), 'shape.o');
    refuseTypeChanges([{ objectPath: 'shape.o', types }], undefined, true);
  });
  let diff: ObjectDiff;
  try {
    diff = diffObjects({ original, patched, objectPath: 'shape.o', tables: fixtureTables });
  } catch (error) {
    if (!(error instanceof LockstepError)) throw error;
    return { outcome: shape.kind === 'array' ? 'needless' : 'refused', detail: refusal ?? error.message };
  }
  const expected = runLinked(dir, shape, 'patched', null);
  const seen = runLinked(dir, shape, 'original', diff);
  const isSame = seen === expected;
  if (refusal === undefined)
    return { outcome: isSame ? 'right' : 'wrong', detail: isSame ? '' : `${seen}, not ${expected}` };
  return { outcome: isSame ? 'needless' : 'refused', detail: refusal };
}

function refusalOf(work: () => unknown): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (error instanceof LockstepError && error.kind === 'refused') return error.message;
    throw error;
  }
}

const shell = (dir: string, command: string): void => {
  execFileSync('sh', ['-e', '-c', command], { cwd: dir, stdio: 'pipe' });
};

function compile(dir: string, name: string, define: string): Uint8Array {
  const object = compileKeepingNames(path.join(dir, 'shape.c'), [shapeFlags, define]);
  writeFileSync(path.join(dir, `${name}.o`), object);
  return object;
}

function record(dir: string, name: string, define: string): Uint8Array {
  shell(dir, `gcc ${shapeFlags} -g -gdwarf-4 ${define} -c -o ${name}.types.o shape.c`);
  return new Uint8Array(readFileSync(path.join(dir, `${name}.types.o`)));
}

/** What the program prints: the results of the probes and whether anything was written beside what was allocated. */
function runLinked(dir: string, shape: Shape, object: string, diff: ObjectDiff | null): string {
  writeFileSync(path.join(dir, 'driver.c'), driverOf(shape, diff));
  writeFileSync(path.join(dir, 'pieces.s'), diff === null ? '' : assemblyOf(diff));
  const globals = `nm ${object}.o | awk '$2 ~ /[dbtr]/ { print $3 }' >globals; objcopy --globalize-symbols=globals ${object}.o linked.o`;
  shell(dir, `${globals}; gcc -O1 -no-pie -fcf-protection=none driver.c linked.o pieces.s -o program 2>&1`);
  const { stdout, signal, status } = spawnSync(path.join(dir, 'program'), { timeout: runLimitMs, encoding: 'utf8' });
  return status === 0 ? stdout.trim() : `${stdout.trim()} ended by ${signal ?? status}`;
}

const driverOf = ({ probes }: Shape, diff: ObjectDiff | null): string => `
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
static unsigned char arena[4096];
static unsigned long used;
long other(long value) { return value * 31 + 7; }
/* As memory comes from a heap, with a guard behind it. */
void *allocate(unsigned long size) { void *at = arena + used; memset(at, ${garbage}, size); used += (size + 7) & ~7ul; memset(arena + used, 0xaa, 64); used += 64; return at; }
asm(".globl __fentry__\\n__fentry__: ret");
static void __attribute__((unused)) redirect(char *from, char *to) {
	mprotect((void *)((unsigned long)from & ~4095ul), 8192, 7);
	int distance = to - (from + 5);
	from[0] = (char)0xe9;
	memcpy(from + 1, &distance, 4);
}
${[...new Set([...probes, 'setup'])].map((name) => `extern long ${name}(long);`).join('\n')}
${(diff?.functions ?? []).map(({ symbol, piece }) => `extern char old_${piece}[] asm("${symbol.name}"), piece_${piece}[];`).join('\n')}
int main(void) {
	unsigned long at, guards;
	setup(11);
	guards = used;
	${(diff?.functions ?? []).map(({ piece }) => `redirect(old_${piece}, piece_${piece});`).join(' ')}
	${probes.map((name, index) => `printf("%ld ", ${name}(${index + 2}));`).join('\n\t')}
	for (at = guards < 64 ? 0 : guards - 64; at < guards; at++)
		if (arena[at] != 0xaa) { printf("overwritten"); break; }
	return 0;
}
`;

/** The pieces as the module would have them. */
function assemblyOf(diff: ObjectDiff): string {
  const nameOf = (target: ObjectDiff['pieces'][number]['relocations'][number]['target']): string =>
    target.kind === 'piece' ? `piece_${target.piece}` : `"${diff.kernelSymbols[target.symbol]?.name ?? ''}"`;
  return diff.pieces
    .map(({ section, alignment, bytes, sizeBytes, relocations, sectionFlags }, index) => {
      if (section === '__mcount_loc') return '';
      const flagsOf = (sectionFlags & 4) !== 0 ? 'ax' : 'aw';
      const content = bytes.length === 0 ? `.zero ${sizeBytes}` : `.byte ${[...bytes].join(',')}`;
      const fixes = relocations.map(({ offset, type, target, addend }) => {
        const kind = ({ 1: 'R_X86_64_64', 2: 'R_X86_64_PC32', 10: 'R_X86_64_32', 11: 'R_X86_64_32S' } as const)[
          type as 1 | 2 | 10 | 11
        ];
        return `.reloc piece_${index}+${offset}, ${kind}, ${nameOf(target)}+${addend}`;
      });
      return `.section .piece.${index},"${flagsOf}",@progbits\n.balign ${Math.max(alignment, 1)}\n.globl piece_${index}\npiece_${index}:\n${content}\n${fixes.join('\n')}`;
    })
    .join('\n');
}
