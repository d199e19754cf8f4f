// SPDX-License-Identifier: GPL-2.0-only
import {
  ExposureState,
  type CveExposure,
  type ExposureGroup,
  type GetExposureResponse,
  type ObservedNode,
} from '@lockstep/contracts/generated';
import { enumWord, toDocument } from '../document';
import { fields, shortId, showTime, table } from '../table';

/** Names in one cell; `--json` has all of them. */
const mostShown = 10;

export const exposureWord = (state: ExposureState): string => enumWord(ExposureState, 'EXPOSURE_STATE_', state);

/** As they are told: what is wrong first. */
const order = [
  ExposureState.EXPOSURE_STATE_EXPOSED,
  ExposureState.EXPOSURE_STATE_IN_BETWEEN,
  ExposureState.EXPOSURE_STATE_UNKNOWN,
  ExposureState.EXPOSURE_STATE_PATCHED,
] as const;

export interface ExposureCounts {
  readonly patched: number;
  readonly inBetween: number;
  readonly exposed: number;
  readonly unknown: number;
}

export function countsOf({ groups }: CveExposure): ExposureCounts {
  const count = (state: ExposureState): number =>
    groups.filter((group) => group.state === state).reduce((sum, { nodes }) => sum + nodes.length, 0);
  return {
    patched: count(ExposureState.EXPOSURE_STATE_PATCHED),
    inBetween: count(ExposureState.EXPOSURE_STATE_IN_BETWEEN),
    exposed: count(ExposureState.EXPOSURE_STATE_EXPOSED),
    unknown: count(ExposureState.EXPOSURE_STATE_UNKNOWN),
  };
}

export const describeCounts = ({ patched, inBetween, exposed, unknown }: ExposureCounts): string =>
  `${patched} patched, ${inBetween} in between, ${exposed} exposed, ${unknown} unknown`;

/** One node's verdict, as a row of JSON or CSV. */
export interface ExposureRow {
  readonly node: string;
  readonly cluster: string;
  readonly kernelRelease: string;
  readonly kernelBuildId: string;
  readonly connected: boolean;
  readonly lastSeenAt: string | null;
  readonly cve: string;
  readonly state: string;
  readonly reason: string;
  readonly module: string;
  readonly message: string;
}

function rowOf(node: ObservedNode, cve: string, group: ExposureGroup): ExposureRow {
  const { name, cluster, kernelRelease, kernelBuildId, connected, lastSeenAt } = node;
  const { reason, moduleName, message } = group;
  const seen = { connected, lastSeenAt: lastSeenAt?.toISOString() ?? null };
  const verdict = { cve, state: exposureWord(group.state), reason, module: moduleName, message };
  return { node: name, cluster, kernelRelease, kernelBuildId, ...seen, ...verdict };
}

/** Every node of the answer, in its order. */
export function exposureRows({ nodes }: GetExposureResponse, { cve, groups }: CveExposure): ExposureRow[] {
  const groupOf = new Map(groups.flatMap((group) => group.nodes.map((index) => [index, group] as const)));
  return nodes.flatMap((node, index) => {
    const group = groupOf.get(index);
    return group === undefined ? [] : [rowOf(node, cve, group)];
  });
}

export const exposureDocument = (answer: GetExposureResponse, exposure: CveExposure): object => ({
  judgedAt: toDocument(answer.judgedAt),
  cve: exposure.cve,
  fixes: toDocument(exposure.fixes),
  counts: countsOf(exposure),
  nodes: exposureRows(answer, exposure),
});

function namesOf({ nodes }: ExposureGroup, all: readonly ObservedNode[]): string {
  const shown = nodes.slice(0, mostShown).map((index) => all[index]?.name ?? '');
  const more = nodes.length - shown.length;
  return `${shown.join(', ')}${more === 0 ? '' : ` and ${more} more`}`;
}

/** What is to be said of nodes, the worst first. */
export const groupTable = ({ nodes }: GetExposureResponse, { groups }: CveExposure): string =>
  table(
    ['STATE', 'REASON', 'NODES', 'WHICH', 'MEANING'],
    order.flatMap((state) =>
      groups
        .filter((group) => group.state === state)
        .map((group) => [
          exposureWord(state),
          group.reason,
          String(group.nodes.length),
          namesOf(group, nodes),
          group.message,
        ]),
    ),
    'No nodes.',
  );

const describeFix = ({ patchName, kernelBuildIds }: CveExposure['fixes'][number]): string =>
  kernelBuildIds.length === 0
    ? `${patchName} (not built)`
    : `${patchName} (built for ${kernelBuildIds.map(shortId).join(', ')})`;

export function exposureText(answer: GetExposureResponse, exposure: CveExposure): string {
  const about = fields([
    ['CVE', exposure.cve],
    ['Fixed by', exposure.fixes.map(describeFix).join(', ')],
    ['Nodes', `${answer.nodes.length}: ${describeCounts(countsOf(exposure))}`],
    ['Judged', showTime(answer.judgedAt)],
  ]);
  return `${about}\n\n${groupTable(answer, exposure)}`;
}
