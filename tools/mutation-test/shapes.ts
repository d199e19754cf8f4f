// SPDX-License-Identifier: GPL-2.0-only
import { seededRandom } from '@lockstep/testing/seeded-random';
import { ScratchDirectory } from '../scratch-directory/scratch-directory';
import { runShape, type ShapeResult } from './run-shape';
import { makeShape, shapeKinds, type Shape } from './shape-sources';

export interface NumberedShape {
  readonly number: number;
  readonly shape: Shape;
}

export interface ShapeCase extends NumberedShape, ShapeResult {}

/** Runs `count` shapes of each kind. The same seed makes the same ones. */
export function runShapes(count: number, seed: number, onProgress: (done: number, total: number) => void): ShapeCase[] {
  using scratch = ScratchDirectory.create('shapes');
  const total = count * shapeKinds.length;
  return Array.from({ length: total }, (_, number) => {
    const kind = shapeKinds[number % shapeKinds.length] ?? 'array';
    const shape = makeShape(kind, seededRandom(seed * 1_000_003 + number));
    const result = runShape(shape, scratch.path);
    onProgress(number + 1, total);
    return { number, shape, ...result };
  });
}

const outcomes = [
  ['right', 'built and right'],
  ['refused', 'refused rightly'],
  ['needless', 'refused without need'],
  ['wrong', 'wrong'],
] as const;

/** A line for each kind, and every case that is wrong with its source. */
export function showShapes(cases: readonly ShapeCase[]): string {
  const lines = shapeKinds.map((kind) => {
    const mine = cases.filter(({ shape }) => shape.kind === kind);
    const counted = outcomes.map(
      ([outcome, words]) => `${mine.filter((one) => one.outcome === outcome).length} ${words}`,
    );
    return `${kind}: ${counted.join(', ')}`;
  });
  const wrong = cases.filter(({ outcome }) => outcome === 'wrong');
  const reasons = [...new Set(cases.filter(({ outcome }) => outcome === 'needless').map(({ detail }) => detail))];
  const needless = reasons.map((reason) => `refused without need: ${reason}`);
  return [
    ...lines,
    ...needless,
    ...wrong.map(({ number, detail, shape }) => `${number}: ${detail}\n${shape.source}`),
  ].join('\n');
}
