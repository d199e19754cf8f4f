// SPDX-License-Identifier: GPL-2.0-only
import { NodeStatus, type KernelConflict as WireConflict, type Node } from '@lockstep/contracts/generated';
import { functionFromWire } from '@lockstep/contracts/wire';
import { showFunction, type ModuleName } from '@lockstep/domain/livepatch-model';
import type { KernelConflict } from '@lockstep/domain/node-state';
import { enumWord, toDocument } from '../document';
import { fields, shortId, showTime, table } from '../table';
import { conflictTable } from './host-view';
import { describeTransition, transitionDocument } from './transition-view';

const nodeStatusWord = (status: NodeStatus): string => enumWord(NodeStatus, 'NODE_STATUS_', status);

export function nodeDocument(node: Node): object {
  const document = toDocument(node) as object;
  const { report } = node;
  if (report === undefined) return document;
  const words = {
    status: nodeStatusWord(report.status),
    lastTransition: transitionDocument(report.lastTransition),
  };
  return { ...document, report: { ...(toDocument(report) as object), ...words } };
}

function conditionOf({ connected, report }: Node): string {
  const word = report === undefined ? 'silent' : nodeStatusWord(report.status);
  return connected ? word : `off (was ${word})`;
}

export const nodeTable = (nodes: readonly Node[]): string =>
  table(
    ['NODE', 'CLUSTER', 'CONDITION', 'POSITION', 'TARGET', 'KERNEL', 'KERNEL BUILD', 'LAST SEEN', 'STACK'],
    nodes.map((node) => [
      node.name,
      node.cluster,
      conditionOf(node),
      String(node.report?.position ?? '-'),
      String(node.report?.target ?? '-'),
      node.kernelRelease,
      shortId(node.kernelBuildId),
      showTime(node.lastSeenAt),
      (node.report?.stack ?? []).map(({ moduleName }) => moduleName).join(' < '),
    ]),
    'No nodes.',
  );

/** A node's words, shown as they came. */
function conflictFromWire({ function: fn, owners }: WireConflict): KernelConflict[] {
  if (fn === undefined) return [];
  const known = owners.map(({ moduleName, knownAs }) => ({
    module: moduleName as ModuleName,
    ...(knownAs === undefined ? {} : { knownAs: functionFromWire(knownAs) }),
  }));
  return [{ function: functionFromWire(fn), owners: known }];
}

function kernelConflictText({ patchedCore, report }: Node): string {
  if (!patchedCore || report === undefined) return '';
  const conflicts = report.kernelConflicts.flatMap(conflictFromWire);
  return `\n\n${conflictTable(conflicts, 'The kernel knows of no conflicts.')}`;
}

export function nodeText(node: Node): string {
  const { report } = node;
  const loaded = (report?.stack ?? []).map((patch) => [
    patch.moduleName,
    patch.transition ? 'in transition' : patch.enabled ? 'enabled' : 'disabled',
    patch.artifactSha256 === '' ? 'not by lockstep' : shortId(patch.artifactSha256),
    patch.functions.map((fn) => showFunction(functionFromWire(fn))).join(', '),
  ]);
  const about = fields([
    ['Node', `${node.name}, of cluster ${node.cluster}`],
    ['Condition', conditionOf(node)],
    ...(report?.problem === undefined
      ? []
      : [['Problem', `${report.problem.reason}: ${report.problem.message}`] as const]),
    [
      'Position',
      report === undefined ? '-' : `${report.position}, target ${report.target}, log known to ${report.headSeq}`,
    ],
    ['Kernel', `${node.kernelRelease} ${node.kernelBuildId}`],
    ['Core', node.patchedCore ? 'patched: refuses conflicts itself' : 'stock: the agent checks for conflicts'],
    ...(report?.lastTransition === undefined
      ? []
      : [['Switched last', describeTransition(report.lastTransition)] as const]),
    ['Agent', node.agentVersion],
    ['Last seen', showTime(node.lastSeenAt)],
  ]);
  const stack = table(['LIVEPATCH (BOTTOM FIRST)', 'STATE', 'ARTIFACT', 'FUNCTIONS'], loaded, 'No livepatches.');
  return `${about}\n\n${stack}${kernelConflictText(node)}`;
}
