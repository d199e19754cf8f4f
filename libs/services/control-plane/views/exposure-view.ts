// SPDX-License-Identifier: GPL-2.0-only
import {
  ExposureState as WireState,
  type CveExposure,
  type CveFix,
  type ExposureGroup,
} from '@lockstep/contracts/generated';
import { explainExposure, stateOf, type ExposureState } from '@lockstep/domain/cve-exposure';
import type { NodeRecord } from '@lockstep/io/database';
import type { CveFixes, CveVerdicts, NodeExposure } from '../exposure/gather-exposure';

const stateToWire: Readonly<Record<ExposureState, WireState>> = {
  patched: WireState.EXPOSURE_STATE_PATCHED,
  'in-between': WireState.EXPOSURE_STATE_IN_BETWEEN,
  exposed: WireState.EXPOSURE_STATE_EXPOSED,
  unknown: WireState.EXPOSURE_STATE_UNKNOWN,
};

/** The patch to append: built for the kernel build, and the latest. */
function fixFor({ patches, builds }: CveFixes, { kernelBuild }: NodeRecord): string {
  const built = new Set(builds.filter((build) => build.kernelBuild === kernelBuild).map(({ patch }) => patch));
  return (patches.findLast(({ id }) => built.has(id)) ?? patches.at(-1))?.name ?? '';
}

function explain(fixes: CveFixes, { node, exposure }: NodeExposure): string {
  const { cluster, kernelBuild } = node;
  // Without a kernel build it has never reported, which is explained without one.
  return explainExposure(exposure, { cluster, kernelBuild: kernelBuild ?? '' }, fixFor(fixes, node));
}

const fixesToWire = ({ patches, builds }: CveFixes): CveFix[] =>
  patches.map(({ id, name }) => ({
    patchId: id,
    patchName: name,
    kernelBuildIds: [...new Set(builds.filter(({ patch }) => patch === id).map(({ kernelBuild }) => kernelBuild))],
  }));

/** Nodes of which the same is to be said together, by their places among all. */
export function exposureToWire(judged: CveVerdicts): CveExposure {
  const groups = new Map<string, ExposureGroup>();
  judged.verdicts.forEach((verdict, index) => {
    const message = explain(judged, verdict);
    const group = groups.get(message) ?? {
      state: stateToWire[stateOf(verdict.exposure)],
      reason: verdict.exposure.reason,
      message,
      moduleName: 'module' in verdict.exposure ? verdict.exposure.module : '',
      nodes: [],
    };
    group.nodes.push(index);
    groups.set(message, group);
  });
  return { cve: judged.cve, fixes: fixesToWire(judged), groups: [...groups.values()] };
}
