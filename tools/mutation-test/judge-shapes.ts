// SPDX-License-Identifier: GPL-2.0-only
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import {
  defaultCacheDirectory,
  registerKernelBuild,
  type BuiltKernel,
  type KernelBuild,
} from '@lockstep/io/kernel-builder';
import { seededRandom } from '@lockstep/testing/seeded-random';
import { QemuMachine } from '@lockstep/testing/qemu-machine';
import { ScratchDirectory } from '../scratch-directory/scratch-directory';
import { buildApart, buildShapes, type ShapeModule } from './build-shapes';
import type { ShapeResult } from './run-shape';
import { expectedOfAll, runModule } from './run-shapes';
import { makeShape, shapeKinds } from './shape-sources';
import type { NumberedShape, ShapeCase } from './shapes';

/** The shapes of a seed, so many of each kind, in turn. */
export const shapesOf = (count: number, seed: number): NumberedShape[] =>
  Array.from({ length: count * shapeKinds.length }, (_, number) => {
    const kind = shapeKinds[number % shapeKinds.length] ?? 'array';
    return { number, shape: makeShape(kind, seededRandom(seed * 1_000_003 + number)) };
  });

/** So many patches are in one module, and in what is done again where one of them stops the machine. */
const groupSize = 20;

export interface JudgeOptions {
  /** Of the repository. */
  readonly root: string;
  readonly built: BuiltKernel;
  readonly shapes: readonly NumberedShape[];
  /** Where results are kept as they come, a line each: those that are there are not asked for again. */
  readonly resultsFile: string | undefined;
  readonly onJudged: (done: number, total: number) => void;
}

/**
 * Builds the shapes' patches for a kernel that has the shapes, and sees in a machine whether, loaded, they do what a program
 * does that is compiled from the patched sources.
 */
export async function judgeShapes({ root, built, shapes, resultsFile, onJudged }: JudgeOptions): Promise<ShapeCase[]> {
  const kernel = await registerKernelBuild({ path: built.treeDir, cacheDir: defaultCacheDirectory() });
  const cases = keptResults(resultsFile, kernel, shapes);
  const known = new Set(cases.map(({ number }) => number));
  using scratch = ScratchDirectory.create('judge-shapes');
  await using machine = await QemuMachine.create({
    name: 'shapes',
    kernelImage: built.imageFile,
    initFile: path.join(root, 'kernel-livepatch/qemu/init'),
    dir: path.join(scratch.path, 'machine'),
  });
  await machine.start();
  await machine.waitReady();
  for (const group of groupsOf(shapes.filter(({ number }) => !known.has(number)))) {
    using dir = ScratchDirectory.create('shapes');
    const judged = await judgeGroup(kernel, machine, group, dir.path);
    cases.push(...judged);
    if (resultsFile !== undefined) {
      const lines = judged.map(({ number, outcome, detail }) =>
        JSON.stringify({ kernel: kernel.id, number, outcome, detail }),
      );
      appendFileSync(resultsFile, `${lines.join('\n')}\n`);
    }
    onJudged(cases.length, shapes.length);
  }
  return cases.sort((a, b) => a.number - b.number);
}

/** Of one kind each, the kinds in turn. */
function groupsOf(shapes: readonly NumberedShape[]): NumberedShape[][] {
  const byKind = shapeKinds.map((kind) => shapes.filter(({ shape }) => shape.kind === kind));
  const rounds = Math.ceil(Math.max(0, ...byKind.map(({ length }) => length)) / groupSize);
  return Array.from({ length: rounds }, (_, round) =>
    byKind.map((mine) => mine.slice(round * groupSize, (round + 1) * groupSize)),
  )
    .flat()
    .filter(({ length }) => length > 0);
}

function keptResults(file: string | undefined, kernel: KernelBuild, shapes: readonly NumberedShape[]): ShapeCase[] {
  if (file === undefined || !existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
  return lines.flatMap((line) => {
    const { kernel: of, number, ...result } = JSON.parse(line) as ShapeResult & { kernel: string; number: number };
    const shape = shapes.find((one) => one.number === number);
    return of === kernel.id && shape !== undefined ? [{ ...shape, ...result }] : [];
  });
}

async function judgeGroup(
  kernel: KernelBuild,
  machine: QemuMachine,
  group: readonly NumberedShape[],
  dir: string,
): Promise<ShapeCase[]> {
  const expected = expectedOfAll(group, dir);
  const { modules, refusals } = await buildShapes(kernel, group, dir);
  const seen = new Map<number, string>();
  for (const module of modules) {
    for (const [number, text] of await runAll(kernel, machine, module, dir)) seen.set(number, text);
  }
  return group.map((one, index) => {
    return { ...one, ...resultOf(one, refusals.get(one.number), expected[index] ?? '', seen.get(one.number)) };
  });
}

/** What each shape of a module gave; one that stops the machine is found by loading each in a module of its own. */
async function runAll(
  kernel: KernelBuild,
  machine: QemuMachine,
  module: ShapeModule,
  dir: string,
): Promise<[number, string][]> {
  const seen = await runModule(machine, module);
  if (typeof seen !== 'string') return module.shapes.map(({ number }, index) => [number, seen[index] ?? '']);
  const [only] = module.shapes;
  if (module.shapes.length === 1 && only !== undefined) return [[only.number, seen]];
  const found: [number, string][] = [];
  for (const alone of await buildApart(kernel, module, dir)) found.push(...(await runAll(kernel, machine, alone, dir)));
  return found;
}

function resultOf(
  { shape }: NumberedShape,
  refusal: string | undefined,
  expected: string,
  seen: string | undefined,
): ShapeResult {
  if (seen === undefined) {
    // An address that is not decided cannot be run to see; whoever wrote this array meant something.
    return { outcome: shape.kind === 'array' ? 'needless' : 'refused', detail: refusal ?? 'no module was built of it' };
  }
  const isRight = seen === expected;
  const difference = `${seen}, not ${expected}`;
  if (refusal === undefined) return { outcome: isRight ? 'right' : 'wrong', detail: isRight ? '' : difference };
  return isRight
    ? { outcome: 'needless', detail: refusal }
    : { outcome: 'refused', detail: `${refusal}\n  all the same loaded: ${difference}` };
}
