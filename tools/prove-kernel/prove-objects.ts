// SPDX-License-Identifier: GPL-2.0-only
import type { IndexedObject } from '@lockstep/domain/source-patch';
import { describeDifference } from '@lockstep/domain/vendor-kernel';
import { BuiltOriginals, proveOriginals, type KernelBuild, type ProvedObject } from '@lockstep/io/kernel-builder';

/** So many are given to one make: what it takes to start is spread over them. */
const batchSize = 48;

export interface ProveLimits {
  readonly minutes: number;
  readonly onProved?: (done: number) => void;
}

/** An object that could not be compared. */
export interface Failure {
  readonly objectPath: string;
  readonly message: string;
}

export interface ProvedObjects {
  readonly proved: readonly ProvedObject[];
  readonly failed: readonly Failure[];
}

/**
 * Compiles and compares in this order until the time is over. What was compared before is kept with the kernel build and read
 * again, so that the next run goes on from there.
 */
export async function proveObjects(
  kernel: KernelBuild,
  objects: readonly IndexedObject[],
  { minutes, onProved }: ProveLimits,
): Promise<ProvedObjects> {
  const endsAt = performance.now() + minutes * 60_000;
  const proved: ProvedObject[] = [];
  const failed: Failure[] = [];
  for (let from = 0; from < objects.length && performance.now() < endsAt; from += batchSize) {
    const batch = objects.slice(from, from + batchSize);
    const whole = await proveOriginals(kernel, batch).catch(() => undefined);
    if (whole === undefined) {
      // One that cannot be made or is not in the vendor's kernel says nothing about its neighbours.
      for (const object of batch) {
        await proveOriginals(kernel, [object]).then(
          (alone) => proved.push(...alone),
          (error: unknown) => failed.push({ objectPath: object.path, message: (error as Error).message }),
        );
      }
    } else {
      proved.push(...whole);
    }
    onProved?.(proved.length + failed.length);
  }
  return { proved, failed };
}

/** Of a kernel that was built in its tree: nothing is compiled. What is not linked has nothing to be compared with. */
export async function proveBuiltObjects(
  kernel: KernelBuild,
  objects: readonly IndexedObject[],
  onProved: (done: number) => void,
): Promise<readonly ProvedObject[]> {
  const built = new BuiltOriginals(kernel);
  const proved: ProvedObject[] = [];
  for (const [index, object] of objects.entries()) {
    const one = await built.compare(object);
    if (one !== undefined) proved.push(one);
    onProved(index + 1);
  }
  return proved;
}

export interface ProofSummary {
  readonly objects: number;
  readonly functions: number;
  readonly equal: number;
  /** Weak functions that another object overrides, which is why the vendor has other code. */
  readonly explained: number;
  readonly unexplained: number;
  readonly differing: readonly {
    readonly objectPath: string;
    readonly object: string;
    readonly differences: readonly string[];
  }[];
}

export function summaryOf(proved: readonly ProvedObject[]): ProofSummary {
  const sum = (count: (one: ProvedObject) => number): number => proved.reduce((total, one) => total + count(one), 0);
  const differing = proved.filter(({ proof }) => proof.differences.length > 0);
  return {
    objects: proved.length,
    functions: sum(({ proof }) => proof.functions),
    equal: sum(({ proof }) => proof.equal),
    explained: sum(({ proof }) => proof.overridden.length),
    unexplained: sum(({ proof }) => proof.differences.length),
    differing: differing.map(({ objectPath, object, proof }) => {
      return { objectPath, object, differences: proof.differences.map((one) => describeDifference(one)) };
    }),
  };
}

/** The same objects, so that however early it ends those at the front are spread over all: a stride that meets each once. */
export function spread<T>(items: readonly T[]): T[] {
  const golden = (Math.sqrt(5) - 1) / 2;
  const rank = items.map((_, index) => (index * golden) % 1);
  return items
    .map((item, index) => ({ item, rank: rank[index] ?? 0 }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ item }) => item);
}
