// SPDX-License-Identifier: GPL-2.0-only
import type {
  NodeProgress,
  NodeSteps,
  PlannedEnd,
  PlanRolloutResponse,
  TornPatch,
} from '@lockstep/contracts/generated';
import { counted, visibleLine } from '@lockstep/domain/visible-text';
import { toDocument } from '../document';
import { showTime, table } from '../table';
import { emergencyRule } from './emergency-view';
import { approvalLines } from './approvals-view';
import { gateLines } from './schedule-view';
import { caveatLines, probeLines, rolloutDocument, spreadLines, waveLines, waveName } from './rollout-view';

export const planDocument = (plan: PlanRolloutResponse): object => ({
  ...(toDocument(plan) as object),
  rollout: plan.rollout === undefined ? null : rolloutDocument(plan.rollout),
});

export const tornLine = ({ seq, patchName, running, shadowed }: TornPatch): string =>
  visibleLine(
    `torn: ${patchName} (#${seq}) will run in part: ${running.length} of its functions, and ${shadowed.length} of a later patch`,
  );

function nodeRow(progress: NodeProgress, steps: NodeSteps | undefined): string[] {
  const { node, position } = progress;
  return [
    node,
    waveName(progress),
    String(position),
    steps?.unloads.join(' ') ?? '',
    steps?.loads.join(' ') ?? '',
    steps?.leftOut ?? '',
  ];
}

/** Not before when it ends, when it likely would, and what nobody knows. */
function endLines(end: PlannedEnd | undefined): string[] {
  if (end?.notBefore === undefined) return [];
  const likely =
    end.likely === undefined ? '' : `; if all goes well and nodes take as long as last time: ${showTime(end.likely)}`;
  return [`Ends not before ${showTime(end.notBefore)}${likely}.`, ...end.unknown.map((what) => `Not known: ${what}.`)];
}

/** Waves with what would stop them, and what to know of the way. */
export function planLines({ rollout, nodes, torn, bakeSeconds, gates, end }: PlanRolloutResponse): string[] {
  if (rollout === undefined) return [];
  const leftOut = nodes.filter((each) => each.leftOut !== '').length;
  return [
    `Plan of ${rollout.cluster} to position ${rollout.toSeq}: ${counted(rollout.nodes.length, 'node')} in ${counted(rollout.waves.length, 'wave')}` +
      `${leftOut === 0 ? '' : `, ${leftOut} of them left out as they are now`}. Nothing has been shipped.`,
    ...(rollout.emergency === undefined ? [] : [emergencyRule]),
    ...waveLines(rollout),
    ...spreadLines(rollout),
    'One host that does not survive, or whose kernel has an oops, halts it, unless it was planned with --go-on-after-crash. Nodes that join later follow when it has succeeded.',
    ...(bakeSeconds === 0 ? [] : [`It takes ${bakeSeconds} s at least, for its waves to prove themselves.`]),
    ...endLines(end),
    ...probeLines(rollout),
    ...approvalLines(rollout),
    ...gateLines(gates),
    ...caveatLines(rollout),
    ...torn.map(tornLine),
  ];
}

/** What each node will do, who is left out and why. */
export function stepsTable({ rollout, nodes }: Pick<PlanRolloutResponse, 'rollout' | 'nodes'>): string {
  const steps = new Map(nodes.map((each) => [each.node, each]));
  const rows = (rollout?.nodes ?? []).map((progress) => nodeRow(progress, steps.get(progress.node)));
  return table(['NODE', 'WAVE', 'AT', 'UNLOADS', 'LOADS', 'LEFT OUT'], rows, 'No nodes.');
}

/** All of it, and what to type next. */
export function planText(plan: PlanRolloutResponse): string {
  if (plan.rollout === undefined) return 'No plan.';
  const glass = plan.rollout.emergency === undefined ? '' : ' --break-glass --reason TEXT';
  const start = `lockstep rollout start --cluster ${plan.rollout.cluster}${glass} --plan ${plan.hash}`;
  return `${planLines(plan).join('\n')}\n\n${stepsTable(plan)}\n\nTo begin exactly this: ${start}`;
}
