// SPDX-License-Identifier: GPL-2.0-only
import { parseSeq } from '@lockstep/domain/livepatch-model';
import { stackAt } from '@lockstep/domain/load-order';
import type { NodeReport } from '../api/schemas';
import type { Order } from '../load-order/order';

/** One place of a node's stack: what the load order wants there, and what its kernel shows. */
export interface StackPlace {
  /** Of the load order; undefined where the kernel holds what nobody asked for. */
  readonly seq: number | undefined;
  readonly patchName: string | undefined;
  readonly moduleName: string;
  readonly isHeld: boolean;
  readonly isEnabled: boolean;
  readonly isInTransition: boolean;
  readonly functions: number;
}

/** Top first: what is shadowed lies below. */
export function stackPlaces(order: Order, { position = 0, stack = [] }: NodeReport): StackPlace[] {
  const wanted = stackAt(order.entries, parseSeq(position));
  const held = new Map(stack.map((patch) => [patch.moduleName ?? '', patch]));
  const places = wanted.map(({ seq, body: { artifact } }): StackPlace => {
    const found = held.get(artifact.moduleName);
    held.delete(artifact.moduleName);
    return {
      ...{ seq, patchName: artifact.patchName, moduleName: artifact.moduleName, functions: artifact.functions.length },
      ...{
        isHeld: found !== undefined,
        isEnabled: found?.enabled ?? false,
        isInTransition: found?.transition ?? false,
      },
    };
  });
  const foreign = [...held].map(([moduleName, patch]): StackPlace => ({
    ...{ seq: undefined, patchName: undefined, moduleName, functions: patch.functions?.length ?? 0 },
    ...{ isHeld: true, isEnabled: patch.enabled ?? false, isInTransition: patch.transition ?? false },
  }));
  return [...places, ...foreign].reverse();
}

/** The kernel shows there what the load order says. */
export const isAsWanted = ({ seq, isHeld, isEnabled }: StackPlace): boolean => seq !== undefined && isHeld && isEnabled;
