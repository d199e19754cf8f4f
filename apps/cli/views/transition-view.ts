// SPDX-License-Identifier: GPL-2.0-only
import type { Node, Transition } from '@lockstep/contracts/generated';
import { consistencyWord } from '../consistency-option';
import { toDocument } from '../document';
import { fields, table } from '../table';

const inMicroseconds = (ns: number): string => `${(ns / 1000).toFixed(1)} µs`;

export function transitionDocument({ name, report }: Node): object {
  const last = report?.lastTransition;
  const transition =
    last === undefined ? null : { ...(toDocument(last) as object), mode: consistencyWord(last.mode) || 'per-task' };
  return { node: name, problem: toDocument(report?.problem) ?? null, transition };
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
  const rows = last.blockers.map(({ pid, comm, function: fn }) => [String(pid), comm, fn]);
  const blockers = table(['PID', 'TASK', 'FUNCTION'], rows, 'No task was in the way.');
  return [...said, aboutTransition(last), '', blockers].join('\n');
}
