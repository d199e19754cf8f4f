// SPDX-License-Identifier: GPL-2.0-only
import type { Node, Transition } from '@lockstep/contracts/generated';
import { describeTaskHolder, taskHolders } from '@lockstep/domain/livepatch-model';
import { toDocument } from '../document';
import { consistencyWord } from '../switching-options';
import { fields, table } from '../table';

const inMicroseconds = (ns: number): string => `${(ns / 1000).toFixed(1)} µs`;

/** As JSON, the mode by the kernel's word. */
export const transitionDocument = (last: Transition | undefined): object | null =>
  last === undefined ? null : { ...(toDocument(last) as object), mode: consistencyWord(last.mode) };

export const blockingDocument = ({ name, report }: Node): object => ({
  node: name,
  problem: toDocument(report?.problem),
  transition: transitionDocument(report?.lastTransition),
});

/** `lockstep_fix patching: switched with consistency system after 1 attempt, CPUs stopped for 51.2 µs`, in one line. */
export function describeTransition({ moduleName, direction, result, mode, attempts, windowMaxNs }: Transition): string {
  const tries = `${attempts} attempt${attempts === 1 ? '' : 's'}`;
  const stopped = windowMaxNs === 0 ? '' : ` after ${tries}, CPUs stopped for at most ${inMicroseconds(windowMaxNs)}`;
  return `${moduleName} ${direction}: ${result} with consistency ${consistencyWord(mode)}${stopped}`;
}

function aboutTransition(last: Transition): string {
  const { moduleName, direction, result, attempts, windowLastNs, windowMaxNs } = last;
  return fields([
    ['Livepatch', `${moduleName}, ${direction}: ${result}`],
    ['Consistency', consistencyWord(last.mode)],
    ['Attempts', `${attempts} in ${last.elapsedMs} ms`],
    ['Stopped', `${inMicroseconds(windowLastNs)} the last time, ${inMicroseconds(windowMaxNs)} at most`],
    ['Stacks', `${last.checkedOutside} checked while running, ${last.checkedInside} while stopped`],
  ]);
}

/** What is, or was last, in the way on a node. */
export function blockingText({ name, report }: Node): string {
  const problem = report?.problem;
  const said = problem === undefined ? [] : [`${name}: ${problem.reason}: ${problem.message}`];
  const last = report?.lastTransition;
  if (last === undefined) return [...said, `${name} tells of no transition.`].join('\n');
  const rows = last.blockers.map(({ pid, comm, function: fn, heldBy }) => [String(pid), comm, fn, heldBy]);
  const blockers = table(['PID', 'TASK', 'FUNCTION', 'HELD BY'], rows, 'No task was in the way.');
  const present = taskHolders.filter((holder) => last.blockers.some(({ heldBy }) => heldBy === holder));
  const advice = present.map(describeTaskHolder);
  return [...said, aboutTransition(last), '', blockers, ...advice].join('\n');
}
