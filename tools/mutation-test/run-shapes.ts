// SPDX-License-Identifier: GPL-2.0-only
import { execFileSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { QemuMachine } from '@lockstep/testing/qemu-machine';
import type { ShapeModule } from './build-shapes';
import { shapesFile, shapeText } from './shape-kernel';
import { garbage } from './shape-sources';
import { shapeFlags } from './run-shape';
import type { NumberedShape } from './shapes';

/** How long one shape may run that nothing holds up: some loops without an end are what is looked for. */
const shapeLimitMs = 2_000;
const moduleLimitMs = 120_000;

/** Sets up, loads, runs, unloads: a line of what each shape's probes gave. */
const script = ({ name, file, shapes }: ShapeModule): string => `
  set -e
  patch=/sys/kernel/livepatch/${name}
  wait_for() { for i in $(seq 1200); do "$@" && return 0; sleep 0.05; done; return 1; }
  settled() { [ "$(cat $patch/transition)" = 0 ]; }
  gone() { [ ! -e $patch ]; }
  numbers="${shapes.map(({ number }) => number).join(' ')}"
  for number in $numbers; do echo s $number >${shapesFile}; done
  insmod ${file} livepatch.consistency=system
  wait_for settled
  for number in $numbers; do echo r $number >${shapesFile}; cat ${shapesFile}; echo; done
  echo 0 >$patch/enabled
  wait_for gone
  rmmod ${name}
`;

/** What each shape gave with the module loaded; or why there is nothing, and then the machine has been started anew. */
export async function runModule(machine: QemuMachine, module: ShapeModule): Promise<string[] | string> {
  const limitMs = moduleLimitMs + module.shapes.length * shapeLimitMs;
  const result = await machine.exec(script(module), limitMs).catch(() => undefined);
  const lines =
    result?.stdout
      .trim()
      .split('\n')
      .map((line) => line.trim()) ?? [];
  if (result?.status === 0 && lines.length === module.shapes.length) return lines;
  await machine.reset();
  await machine.waitReady();
  return result === undefined ? 'the machine did not answer' : `${result.stdout}${result.stderr}`.trim();
}

/** What the shapes give in a program that is compiled from the patched sources and never was another. */
export function expectedOfAll(shapes: readonly NumberedShape[], root: string): string[] {
  const dir = mkdtempSync(path.join(root, 'expected-'));
  for (const { shape, number } of shapes) {
    writeFileSync(path.join(dir, `shape${number}.c`), shapeText(shape, number, true));
  }
  writeFileSync(path.join(dir, 'driver.c'), driverOf(shapes));
  execFileSync('sh', ['-e', '-c', `gcc ${shapeFlags} -no-pie -o program driver.c shape*.c`], {
    cwd: dir,
    stdio: 'pipe',
  });
  const printed = execFileSync(path.join(dir, 'program'), { cwd: dir, encoding: 'utf8' });
  return printed
    .trim()
    .split('\n')
    .map((line) => line.trim());
}

const driverOf = (shapes: readonly NumberedShape[]): string => `
#include <stdio.h>
#include <string.h>
static unsigned char arena[${shapes.length}][512];
static unsigned int current, used;
long shapes_other(long value) { return value * 31 + 7; }
void *shapes_allocate(unsigned long size) { void *at = arena[current] + used; memset(at, ${garbage}, size); used += (size + 7) & ~7ul; return at; }
asm(".globl __fentry__\\n__fentry__: ret");
${shapes
  .flatMap(({ shape, number }) =>
    [...new Set(['setup', ...shape.probes])].map((name) => `long shape${number}_${name}(long);`),
  )
  .join('\n')}
int main(void) {
${shapes
  .map(({ shape, number }, index) => {
    const probes = shape.probes.map((name, at) => `printf("%ld ", shape${number}_${name}(${at + 2}));`).join(' ');
    return `\tcurrent = ${index}; used = 0; shape${number}_setup(11); ${probes} puts("");`;
  })
  .join('\n')}
	return 0;
}
`;
