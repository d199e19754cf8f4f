// SPDX-License-Identifier: GPL-2.0-only
import type { WayOut } from '@lockstep/contracts/generated';

export interface ConflictAdvice {
  readonly cluster: string;
  readonly patch: string;
  /** Seq of the top of the stack. */
  readonly top: number;
  /** Names of the patches in the way, each once. */
  readonly victims: readonly string[];
}

/** What can be done about a conflict, best first: stack, override, combine. */
export function waysOut({ cluster, patch, top, victims }: ConflictAdvice): WayOut[] {
  if (victims.length === 0) return [];
  const named = victims.join(' ');
  return [
    {
      kind: 'stack',
      explanation: `builds ${patch} on the sources of the stack, so that it contains the changes of ${victims.join(', ')}`,
      command: `lockstep patch submit FILE --name ${patch} --cluster ${cluster} --onto ${top}`,
    },
    {
      kind: 'override',
      explanation: `loads ${patch} as it is: what it shares with ${victims.join(', ')} runs as ${patch} has it, and they are torn`,
      command: `lockstep order append ${patch} --cluster ${cluster} ${victims.map((name) => `--override ${name}`).join(' ')}`,
    },
    {
      kind: 'combine',
      explanation: `makes one cumulative patch of all of them, which takes the place of the whole stack at once`,
      command: `lockstep patch combine ${named} ${patch} --name NEW`,
    },
  ];
}
