// SPDX-License-Identifier: GPL-2.0-only
import type { GetExposureRequest, GetExposureResponse, ObservedNode } from '@lockstep/contracts/generated';
import { parseCveId } from '@lockstep/domain/cve-exposure';
import type { NodeRecord } from '@lockstep/io/database';
import { gatherExposure, type ExposureGatherer } from '../exposure/gather-exposure';
import type { CallContext } from '../grpc/call-route';
import type { Uses } from '../services';
import { exposureToWire } from '../views/exposure-view';
import { chosenNodes, type NodeChooser } from './chosen-nodes';

function observedToWire(node: NodeRecord, connected: boolean): ObservedNode {
  const { name, cluster, kernelBuild, kernelRelease, lastSeenAt } = node;
  const kernel = { kernelBuildId: kernelBuild ?? '', kernelRelease };
  return { name, cluster, connected, ...kernel, lastSeenAt: lastSeenAt ?? undefined };
}

/** Which nodes run the fixes of CVEs, by what their kernels show at this moment. */
export async function getExposure(
  services: Uses<ExposureGatherer | NodeChooser>,
  request: GetExposureRequest,
  context: CallContext,
): Promise<GetExposureResponse> {
  const cves = [...new Set(request.cves.map(parseCveId))];
  const nodes = await chosenNodes(services, request, context);
  const judgedAt = new Date();
  const judged = await gatherExposure(services, cves, nodes);
  return {
    judgedAt,
    nodes: nodes.map((node) => observedToWire(node, services.sessions.isConnected(node.name))),
    cves: judged.map(exposureToWire),
  };
}
