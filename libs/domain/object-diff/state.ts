// SPDX-License-Identifier: GPL-2.0-only
import type { LockstepError } from '@lockstep/domain/livepatch-model';
import { isComparedByContent, type Chunk } from './object-model';
import type { ReferenceReader } from './references';
import { differRefusal } from './refusal';
import { memoryOf } from './section-roles';
import { sourceVariableName } from './symbol-names';
import { usersOf } from './users';

/** A variable that holds what a running kernel has come to: other content than the source says. Plain data. */
export interface StateVariable {
  /** As the source names it: `count` for `count.0`. */
  readonly name: string;
  readonly sizeBytes: number;
  /** It exists once for each processor. */
  readonly isPerCpu: boolean;
  /** Functions and variables that refer to it, as the source names them. */
  readonly users: readonly string[];
}

/** What of some chunks is state; what is set at the start and then sealed is, too. */
export function isState(chunk: Chunk): boolean {
  if (chunk.kind !== 'data' || chunk.role !== 'data' || chunk.start === chunk.end || isComparedByContent(chunk))
    return false;
  const memory = memoryOf(chunk.section);
  return memory !== 'constant' && memory !== 'gone';
}

/** @param open the sections that changed */
export function describeState(
  variables: readonly Chunk[],
  reader: ReferenceReader,
  open: readonly number[],
): StateVariable[] {
  if (variables.length === 0) return [];
  const users = usersOf(reader, open)(variables);
  return variables.map((chunk) => {
    const name = sourceVariableName(chunk.name);
    const isPerCpu = memoryOf(chunk.section) === 'percpu';
    return { name, sizeBytes: chunk.end - chunk.start, isPerCpu, users: [...(users.get(chunk) ?? [])].sort() };
  });
}

/** A variable of one object of a patch. */
export interface StateOf {
  readonly objectPath: string;
  readonly variable: StateVariable;
}

/** Numbered by the compiler: the name says nothing. */
const unnamed = '__compound_literal';

/**
 * A variable of a livepatch's own begins with what the source says. Where it takes the place of one that the kernel has,
 * under another name or from another file, all that was counted, listed or locked there would be lost. So a new variable may
 * not seem to be one that is gone: by its name, or by its size where a function uses the one before and the other after.
 * @throws LockstepError `state-lost`
 */
export function refuseLostState(gone: readonly StateOf[], fresh: readonly StateOf[]): void {
  for (const is of fresh) {
    const was = gone.find((one) => seemsTheSame(one, is));
    if (was !== undefined) throw stateLost(was, is);
  }
}

function seemsTheSame(gone: StateOf, fresh: StateOf): boolean {
  const [was, is] = [gone.variable, fresh.variable];
  // What there is once for all processors, or for each, is another thing whatever it is called.
  if (was.isPerCpu !== is.isPerCpu) return false;
  if (was.name === is.name && was.name !== unnamed) return true;
  const isInOne = gone.objectPath === fresh.objectPath;
  return isInOne && was.sizeBytes === is.sizeBytes && was.users.some((user) => is.users.includes(user));
}

function stateLost(was: StateOf, is: StateOf): LockstepError {
  const [old, name] = [was.variable.name, is.variable.name];
  const from = was.objectPath === is.objectPath ? '' : ` from ${was.objectPath}`;
  const problem = old === name ? `${name} is moved${from}` : `${name} is new, where ${old} is gone`;
  return differRefusal(
    'state-lost',
    `${problem}: new code would begin with what the source says, and not go on with what the kernel has in ${old}.`,
    {
      object: is.objectPath,
      variable: name,
      action:
        `leave ${old} under its name where it is (in its file, and in its function if it is in one); ` +
        `or, if ${name} is to begin anew, keep ${old} too (__used)`,
    },
  );
}
