// SPDX-License-Identifier: GPL-2.0-only
import type { GetExposureResponse, ObservedNode } from '@lockstep/contracts/generated';
import {
  exposureStates,
  judgeReboot,
  type CveId,
  type FixState,
  type RebootVerdict,
} from '@lockstep/domain/cve-exposure';
import { table } from '../table';
import { exposureWord } from './exposure-view';

export interface NodeReboot {
  readonly node: ObservedNode;
  readonly verdict: RebootVerdict;
}

const stateOf = (word: string): FixState => exposureStates.find((state) => state === word) ?? 'unknown';

/** Each node of the answer, judged; a CVE that the answer does not have was named by no patch. */
export function judgeReboots(answer: GetExposureResponse, cves: readonly CveId[], nextKernel: string): NodeReboot[] {
  const states = new Map(
    answer.cves.map(({ cve, groups }) => [
      cve,
      new Map(
        groups.flatMap(({ state, nodes }) => nodes.map((index) => [index, stateOf(exposureWord(state))] as const)),
      ),
    ]),
  );
  return answer.nodes.map((node, index) => {
    const fixes = new Map(
      cves.map((cve): [CveId, FixState] => {
        const ofNodes = states.get(cve);
        return [cve, ofNodes === undefined ? 'no-patch' : (ofNodes.get(index) ?? 'unknown')];
      }),
    );
    const runsNextKernel = node.kernelBuildId === nextKernel;
    return { node, verdict: judgeReboot({ runsNextKernel, isKnown: node.connected, fixes }) };
  });
}

const cvesOf = (verdict: RebootVerdict): readonly CveId[] => ('cves' in verdict ? verdict.cves : []);

const meanings: Readonly<Record<RebootVerdict['verdict'], string>> = {
  needed: 'no loaded livepatch covers these',
  unknown: 'not known of these: it is off, in transition, or nothing was built for its kernel',
  covered: 'its livepatches cover all that the kernel would fix',
  'runs-it': 'it runs that kernel',
};

export const rebootDocument = (reboots: readonly NodeReboot[]): object => ({
  nodes: reboots.map(({ node, verdict }) => ({
    ...{ name: node.name, cluster: node.cluster, kernelRelease: node.kernelRelease, kernelBuildId: node.kernelBuildId },
    ...{ verdict: verdict.verdict, cves: cvesOf(verdict) },
  })),
});

export const rebootTable = (reboots: readonly NodeReboot[]): string =>
  table(
    ['NODE', 'CLUSTER', 'KERNEL', 'REBOOT', 'CVES', 'MEANING'],
    reboots.map(({ node, verdict }) => [
      ...[node.name, node.cluster, node.kernelRelease, verdict.verdict],
      ...[cvesOf(verdict).join(' '), meanings[verdict.verdict]],
    ]),
    'No nodes.',
  );
