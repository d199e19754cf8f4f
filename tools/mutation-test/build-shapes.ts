// SPDX-License-Identifier: GPL-2.0-only
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { LockstepError, parseModuleName, parsePatchId } from '@lockstep/domain/livepatch-model';
import { buildLivepatch, type KernelBuild } from '@lockstep/io/kernel-builder';
import { shapePath, shapeText } from './shape-kernel';
import type { NumberedShape } from './shapes';

/** Shapes whose patches are in one module. */
export interface ShapeModule {
  readonly name: string;
  readonly file: string;
  readonly shapes: readonly NumberedShape[];
}

export interface BuiltShapes {
  readonly modules: readonly ShapeModule[];
  /** By number: why it was refused when it was built alone, whether or not its author's word let it pass. */
  readonly refusals: ReadonlyMap<number, string>;
}

/**
 * Builds the patches of some shapes of one kind, as few modules as possible. What is refused for its types is built by the
 * author's word, to see whether it would have been wrong.
 */
export async function buildShapes(
  kernel: KernelBuild,
  shapes: readonly NumberedShape[],
  dir: string,
): Promise<BuiltShapes> {
  const together = await tryBuild(kernel, shapes, [], dir);
  if (together.kind === 'built') return { modules: [together.module], refusals: new Map() };
  const [accepted, vouchedFor]: [NumberedShape[], NumberedShape[]] = [[], []];
  const refusals = new Map<number, string>();
  for (const shape of shapes) {
    const alone = await tryBuild(kernel, [shape], [], dir);
    if (alone.kind === 'built') accepted.push(shape);
    else {
      refusals.set(shape.number, alone.message);
      if (alone.types.length > 0) vouchedFor.push(shape);
    }
  }
  const modules: ShapeModule[] = [];
  for (const some of [accepted, vouchedFor]) modules.push(...(await asFewAsPossible(kernel, some, dir)));
  return { modules, refusals };
}

/** All by their author's word, where they need one. */
async function asFewAsPossible(
  kernel: KernelBuild,
  shapes: readonly NumberedShape[],
  dir: string,
): Promise<ShapeModule[]> {
  if (shapes.length === 0) return [];
  const built = await tryBuild(kernel, shapes, ['held', 'outer'], dir);
  if (built.kind === 'built') return [built.module];
  if (shapes.length === 1) return [];
  const modules: ShapeModule[] = [];
  for (const shape of shapes) modules.push(...(await asFewAsPossible(kernel, [shape], dir)));
  return modules;
}

/** One module for each of them. */
export async function buildApart(kernel: KernelBuild, { shapes }: ShapeModule, dir: string): Promise<ShapeModule[]> {
  const modules: ShapeModule[] = [];
  for (const shape of shapes) modules.push(...(await asFewAsPossible(kernel, [shape], dir)));
  return modules;
}

type Attempt =
  | { readonly kind: 'built'; readonly module: ShapeModule }
  | { readonly kind: 'refused'; readonly message: string; readonly types: readonly string[] };

async function tryBuild(
  kernel: KernelBuild,
  shapes: readonly NumberedShape[],
  types: readonly string[],
  dir: string,
): Promise<Attempt> {
  const name = `shapes_${shapes[0]?.number ?? 0}`;
  const named = { moduleName: parseModuleName(name), patchId: parsePatchId('0'.repeat(64)), replace: false };
  const because = 'it is run to see whether it was refused rightly';
  const allowedTypeChanges = types.length === 0 ? undefined : { types, because };
  try {
    const { bytes } = await buildLivepatch({ kernel, diff: diffOf(shapes, dir), ...named, allowedTypeChanges });
    const file = path.join(mkdtempSync(path.join(dir, 'module-')), `${name}.ko`);
    writeFileSync(file, bytes);
    return { kind: 'built', module: { name, file, shapes } };
  } catch (error) {
    if (!(error instanceof LockstepError) || error.kind !== 'refused') throw error;
    const changed = error.reason === 'type-changed' ? [error.fields['types'] ?? []].flat().map(String) : [];
    return { kind: 'refused', message: error.message, types: changed };
  }
}

function diffOf(shapes: readonly NumberedShape[], dir: string): string {
  const sources = mkdtempSync(path.join(dir, 'diff-'));
  for (const [tree, isPatched] of [
    ['a', false],
    ['b', true],
  ] as const) {
    for (const { shape, number } of shapes) {
      const file = path.join(sources, tree, shapePath(number));
      mkdirSync(path.dirname(file), { recursive: true });
      writeFileSync(file, shapeText(shape, number, isPatched));
    }
  }
  return spawnSync('diff', ['-ur', 'a', 'b'], { cwd: sources, encoding: 'utf8', maxBuffer: 1 << 26 }).stdout;
}
