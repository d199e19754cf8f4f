// SPDX-License-Identifier: GPL-2.0-only
import type { PlanRollbackResponse, UndoneEntry } from '@lockstep/contracts/generated';
import { visibleLine } from '@lockstep/domain/visible-text';
import { planLines, stepsTable } from './plan-view';

const nameOf = ({ patchName, seq }: UndoneEntry): string => `${patchName} (#${seq})`;

function retireLine(entry: UndoneEntry): string {
  const why = entry.unshipped ? ', which nobody has been given: a rollback ships nothing new' : '';
  return visibleLine(`retires ${nameOf(entry)}${why}`);
}

const keptLines = (entry: UndoneEntry): string[] =>
  entry.staysLoadedFor.map((reason) =>
    visibleLine(
      `kept: ${nameOf(entry)} is disabled and not unloaded, its module stays until the host boots, for ${reason}`,
    ),
  );

/** What it would retire in its order, what of that stays in kernels, what does not come back, and the waves. */
export function rollbackPlanText(plan: PlanRollbackResponse, id: string): string {
  const { hash, retires, staysOut } = plan;
  const lines = [
    retires.length === 0 ? 'All that it had loaded is retired already: what is left is to roll that out.' : '',
    ...retires.map(retireLine),
    ...retires.flatMap(keptLines),
    ...staysOut.map((entry) =>
      visibleLine(`stays out: ${nameOf(entry)}, which it took out; \`lockstep order append\` loads it again`),
    ),
  ].filter((line) => line !== '');
  return [
    `To roll back ${id}, nothing of which has been done:`,
    ...lines,
    ...planLines(plan),
    '',
    stepsTable(plan),
    '',
    `To do exactly this: lockstep rollout rollback ${id} --plan ${hash}`,
  ].join('\n');
}
