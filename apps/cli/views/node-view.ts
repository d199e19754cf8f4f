// SPDX-License-Identifier: GPL-2.0-only
import type { HeardHead, KeptModule, Node, NodeReport, ProbeResult, Quarantine } from '@lockstep/contracts/generated';
import {
  functionFromWire,
  isHeadOverdue,
  kernelConflictFromWire,
  nodeStatusFromWire,
  obstacleFromWire,
  probeResultFromWire,
} from '@lockstep/contracts/wire';
import { describeObstacle, showFunction } from '@lockstep/domain/livepatch-model';
import { toDocument } from '../document';
import { fields, shortId, showTime, table } from '../table';
import { conflictTable } from './host-view';
import { describeTransition, transitionDocument } from './transition-view';

/** Of a newer agent's status this version only knows that it is one. */
const statusWord = ({ status }: NodeReport): string => nodeStatusFromWire(status) ?? `unknown-${status}`;

export function nodeDocument(node: Node): object {
  const document = toDocument(node) as object;
  const { report } = node;
  if (report === undefined) return document;
  const words = {
    status: statusWord(report),
    lastTransition: transitionDocument(report.lastTransition),
  };
  return { ...document, report: { ...(toDocument(report) as object), ...words } };
}

function statusOf({ connected, report, revokedAt }: Node): string {
  if (revokedAt !== undefined) return 'revoked';
  const word = report === undefined ? 'silent' : statusWord(report);
  if (!connected) return `off (was ${word})`;
  return isHeadOverdue(report?.heardHead, Date.now()) ? `${word}, head overdue` : word;
}

/** `rack=a1,tier=db`, by key. */
const labelList = (labels: Readonly<Record<string, string>>): string =>
  Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .sort()
    .join(',');

/** Those that count; and where operators said otherwise than its agent, what that says. */
function labelFields({ labels, reportedLabels }: Node): (readonly [string, string])[] {
  const overruled = Object.entries(reportedLabels).filter(([key, value]) => labels[key] !== value);
  return [
    ['Labels', labelList(labels) || '-'],
    ...(overruled.length === 0 ? [] : [['Its agent says', labelList(Object.fromEntries(overruled))] as const]),
  ];
}

export interface NodeColumns {
  readonly showLabels: boolean;
  /** With what is long: the whole kernel build id, the agent's version. */
  readonly isWide?: boolean;
}

export const nodeTable = (nodes: readonly Node[], { showLabels, isWide = false }: NodeColumns): string =>
  table(
    [
      ...['NODE', 'CLUSTER', 'STATUS', 'POSITION', 'TARGET', 'KERNEL', 'CORE', 'KERNEL BUILD', 'LAST SEEN', 'STACK'],
      ...(isWide ? ['AGENT'] : []),
      ...(showLabels ? ['LABELS'] : []),
    ],
    nodes.map((node) => [
      node.name,
      node.cluster,
      statusOf(node),
      String(node.report?.position ?? '-'),
      String(node.report?.target ?? '-'),
      node.kernelRelease,
      node.patchedCore ? 'patched' : 'stock',
      isWide ? node.kernelBuildId : shortId(node.kernelBuildId),
      showTime(node.lastSeenAt),
      (node.report?.stack ?? []).map(({ moduleName }) => moduleName).join(' < '),
      ...(isWide ? [node.agentVersion] : []),
      ...(showLabels ? [labelList(node.labels)] : []),
    ]),
    'No nodes.',
  );

function kernelConflictText({ patchedCore, report }: Node): string {
  if (!patchedCore || report === undefined) return '';
  const conflicts = report.kernelConflicts.flatMap(kernelConflictFromWire);
  return `\n\n${conflictTable(conflicts, 'The kernel knows of no conflicts.')}`;
}

/** What it has heard of the end of its load order. */
function describeHeard(heard: HeardHead): string {
  const { seq, issuedAtMs, expiresAtMs, refused } = heard;
  const said =
    expiresAtMs === 0
      ? 'never'
      : `up to #${seq} at ${showTime(new Date(issuedAtMs))}, good until ${showTime(new Date(expiresAtMs))}`;
  const overdue = isHeadOverdue(heard, Date.now()) ? '; OVERDUE: something may be withheld from it' : '';
  return `${said}${overdue}${refused === '' ? '' : `; the last one was refused (${refused})`}`;
}

/** A node that is quarantined says so as its problem. */
const describeTrial = ({ seq, crashedBootId }: Quarantine): string =>
  `entry #${seq}, which boot ${crashedBootId} did not survive; an operator released it`;

const describeKept = ({ moduleName, reasons }: KeptModule): string =>
  `${moduleName}, disabled, until the next boot: ${reasons.length === 0 ? 'it has no exit' : reasons.join('; ')}`;

function describeProbe(result: ProbeResult): string {
  const { probe, verdict, message, position } = probeResultFromWire(result);
  return `${probe}: ${verdict} at position ${position}${message === '' ? '' : `, ${message}`}`;
}

function certificateWords({ revokedAt, certificateEndsAt }: Node, nowMs: number): string {
  if (revokedAt !== undefined) return `revoked ${showTime(revokedAt)}`;
  if (certificateEndsAt === undefined) return 'its end is known once the node connects';
  const at = showTime(certificateEndsAt);
  return certificateEndsAt.getTime() > nowMs ? `good until ${at}` : `ended ${at}: renewed when the node connects`;
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
    ['Status', statusOf(node)],
    ...(report?.quarantine?.released === true ? [['On trial', describeTrial(report.quarantine)] as const] : []),
    ...(report?.problem === undefined
      ? []
      : [['Problem', `${report.problem.reason}: ${report.problem.message}`] as const]),
    [
      'Position',
      report === undefined ? '-' : `${report.position}, target ${report.target}, log known to ${report.headSeq}`,
    ],
    ...(report?.heardHead === undefined ? [] : [['Log signed', describeHeard(report.heardHead)] as const]),
    ['Kernel', `${node.kernelRelease} ${node.kernelBuildId}`],
    [
      'Core',
      node.patchedCore
        ? 'patched: refuses conflicts itself'
        : 'stock: the kernel itself does not guard, the agent checks for conflicts',
    ],
    ...(report?.lastTransition === undefined
      ? []
      : [['Switched last', describeTransition(report.lastTransition)] as const]),
    ...(report?.kept ?? []).map((kept) => ['Kept', describeKept(kept)] as const),
    ...(report?.obstacles ?? [])
      .flatMap(obstacleFromWire)
      .map((obstacle) => ['In the way', describeObstacle(obstacle)] as const),
    ...(report?.probes ?? []).map((result) => ['Probed', describeProbe(result)] as const),
    ...labelFields(node),
    ['Certificate', certificateWords(node, Date.now())],
    ['Agent', node.agentVersion],
    ['Last seen', showTime(node.lastSeenAt)],
  ]);
  const stack = table(['LIVEPATCH (BOTTOM FIRST)', 'STATE', 'ARTIFACT', 'FUNCTIONS'], loaded, 'No livepatches.');
  return `${about}\n\n${stack}${kernelConflictText(node)}`;
}
