// SPDX-License-Identifier: GPL-2.0-only
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { LockstepError, parseModuleName, parsePatchId } from '@lockstep/domain/livepatch-model';
import {
  buildLivepatch,
  defaultCacheDirectory,
  registerKernelBuild,
  type BuiltKernel,
  type KernelBuild,
} from '@lockstep/io/kernel-builder';
import { seededRandom } from '@lockstep/testing/dev-fleet';
import { QemuMachine } from '@lockstep/testing/qemu-machine';
import { ScratchDirectory } from '../scratch-directory/scratch-directory';
import { expectedOf, type ShapeResult } from './run-shape';
import { shapePath, shapesFile, shapeText } from './shape-kernel';
import { makeShape, shapeKinds, type Shape } from './shape-sources';
import type { ShapeCase } from './shapes';

/** The shapes of a seed, so many of each kind, in turn. */
export const shapesOf = (count: number, seed: number): Shape[] =>
  Array.from({ length: count * shapeKinds.length }, (_, number) =>
    makeShape(shapeKinds[number % shapeKinds.length] ?? 'array', seededRandom(seed * 1_000_003 + number)),
  );

/** A shape's patch as it was built; `module`: where it is, though its build was refused and only its author's word let it pass. */
interface Built {
  readonly number: number;
  readonly shape: Shape;
  readonly refusal: string | undefined;
  readonly module: string | undefined;
}

export interface JudgeOptions {
  /** Of the repository. */
  readonly root: string;
  readonly built: BuiltKernel;
  readonly shapes: readonly Shape[];
  readonly onBuilt: (done: number, total: number) => void;
  readonly onRun: (done: number, total: number) => void;
}

/**
 * Builds each shape's patch for a kernel that has the shapes, and sees in a machine whether, loaded, it does what a program
 * does that is compiled from the patched source. What is refused for its types is built by the author's word, to see
 * whether it would have been wrong.
 */
export async function judgeShapes(options: JudgeOptions): Promise<ShapeCase[]> {
  const { root, built, shapes } = options;
  const kernel = await registerKernelBuild({ path: built.treeDir, cacheDir: defaultCacheDirectory() });
  using scratch = ScratchDirectory.create('judge-shapes');
  const dir = scratch.path;
  const patches: Built[] = [];
  for (const [number, shape] of shapes.entries()) {
    patches.push(await buildShape(kernel, shape, number, dir));
    options.onBuilt(patches.length, shapes.length);
  }
  await using machine = await QemuMachine.create({
    name: 'shapes',
    kernelImage: built.imageFile,
    initFile: path.join(root, 'kernel-livepatch/qemu/init'),
    dir: path.join(dir, 'machine'),
  });
  await machine.start();
  await machine.waitReady();
  const cases: ShapeCase[] = [];
  for (const patch of patches) {
    cases.push({ number: patch.number, shape: patch.shape, ...(await judge(machine, patch, dir)) });
    options.onRun(cases.length, shapes.length);
  }
  return cases;
}

function diffOf(shape: Shape, number: number, dir: string): string {
  const file = shapePath(number);
  for (const isPatched of [false, true])
    writeFileSync(path.join(dir, `${isPatched}.c`), shapeText(shape, number, isPatched));
  const labels = ['--label', `a/${file}`, '--label', `b/${file}`];
  return spawnSync('diff', ['-u', ...labels, 'false.c', 'true.c'], { cwd: dir, encoding: 'utf8' }).stdout;
}

async function buildShape(kernel: KernelBuild, shape: Shape, number: number, dir: string): Promise<Built> {
  const diff = diffOf(shape, number, dir);
  const name = `shape${number}`;
  const named = { moduleName: parseModuleName(name), patchId: parsePatchId('0'.repeat(64)), replace: false };
  const types = new Set<string>();
  let refusal: string | undefined;
  for (;;) {
    const because = 'it is run to see whether it was refused rightly';
    const allowedTypeChanges = types.size === 0 ? undefined : { types: [...types], because };
    try {
      const { bytes } = await buildLivepatch({ kernel, diff, ...named, allowedTypeChanges });
      const module = path.join(dir, `${name}.ko`);
      writeFileSync(module, bytes);
      return { number, shape, refusal, module };
    } catch (error) {
      if (!(error instanceof LockstepError) || error.kind !== 'refused') throw error;
      refusal ??= error.message;
      const changed = [error.fields['types'] ?? []].flat().map(String);
      if (error.reason !== 'type-changed' || changed.every((type) => types.has(type))) {
        return { number, shape, refusal, module: undefined };
      }
      for (const type of changed) types.add(type);
    }
  }
}

/** How long a shape may run that nothing holds up: some loops without an end are what is looked for. */
const runLimitMs = 60_000;

const script = (number: number, module: string): string => `
  set -e
  patch=/sys/kernel/livepatch/shape${number}
  wait_for() { for i in $(seq 400); do "$@" && return 0; sleep 0.05; done; return 1; }
  settled() { [ "$(cat $patch/transition)" = 0 ]; }
  gone() { [ ! -e $patch ]; }
  echo s ${number} >${shapesFile}
  insmod ${module} livepatch.consistency=system
  wait_for settled
  cat ${shapesFile}
  echo 0 >$patch/enabled
  wait_for gone
  rmmod shape${number}
`;

/** What the loaded patch gave, or why it gave nothing. */
async function runIn(machine: QemuMachine, { number, module = '' }: Built): Promise<string> {
  const result = await machine.exec(script(number, module), runLimitMs).catch(() => undefined);
  if (result?.status === 0) return result.stdout.trim();
  await machine.reset();
  await machine.waitReady();
  return result === undefined ? 'the machine did not answer' : `${result.stdout}${result.stderr}`.trim();
}

async function judge(machine: QemuMachine, patch: Built, dir: string): Promise<ShapeResult> {
  const { shape, refusal, module } = patch;
  if (module === undefined) {
    // An address that is not decided cannot be run to see; whoever wrote this array meant something.
    return { outcome: shape.kind === 'array' ? 'needless' : 'refused', detail: refusal ?? '' };
  }
  const [expected, seen] = [expectedOf(shape, dir), await runIn(machine, patch)];
  const difference = `${seen}, not ${expected}`;
  if (refusal === undefined) {
    return seen === expected ? { outcome: 'right', detail: '' } : { outcome: 'wrong', detail: difference };
  }
  return seen === expected
    ? { outcome: 'needless', detail: refusal }
    : { outcome: 'refused', detail: `${refusal}\n  all the same loaded: ${difference}` };
}
