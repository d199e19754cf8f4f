// SPDX-License-Identifier: GPL-2.0-only
import type { BuildServiceServer, EnrolmentServiceServer, FleetServiceServer } from '@lockstep/contracts/generated';
import { addKernel } from '../routes/add-kernel';
import { appendLoad } from '../routes/append-load';
import { appendRetire } from '../routes/append-retire';
import { cancelBuild } from '../routes/cancel-build';
import { checkConflicts } from '../routes/check-conflicts';
import { combinePatches } from '../routes/combine-patches';
import { createCluster } from '../routes/create-cluster';
import { createJoinToken } from '../routes/create-join-token';
import { enrol } from '../routes/enrol';
import { explainPatch } from '../routes/explain-patch';
import { getBuild } from '../routes/get-build';
import { getNode } from '../routes/get-node';
import { getOrder } from '../routes/get-order';
import { getPatch } from '../routes/get-patch';
import { getRollout } from '../routes/get-rollout';
import { listBuilds, listClusters, listKernels, listNodes, listPatches, listRollouts } from '../routes/lists';
import { removeNode } from '../routes/remove-node';
import { recoverOrder } from '../routes/recover-order';
import { releaseNode } from '../routes/release-node';
import { startRollout } from '../routes/start-rollout';
import { submitPatch } from '../routes/submit-patch';
import { updateCluster } from '../routes/update-cluster';
import { watchBuild } from '../routes/watch-build';
import { watchRollout } from '../routes/watch-rollout';
import type { Services } from '../services';
import { serverStream, unary, type CallContext } from './call-route';
import type { OpenCalls } from './open-calls';
import { openGate, operatorGate } from './operator-token';

export interface OperatorHandlers {
  readonly enrolment: EnrolmentServiceServer;
  readonly fleet: FleetServiceServer;
  readonly build: BuildServiceServer;
}

/** Every call of the operator port with its route. */
export function operatorHandlers(services: Services, operatorToken: string, calls: OpenCalls): OperatorHandlers {
  const { log } = services;
  const forOperators = { log, gate: operatorGate(operatorToken), calls };
  const one = <Request, Response>(
    route: (services: Services, request: Request, context: CallContext) => Promise<Response>,
  ) => unary(forOperators, (request: Request, context) => route(services, request, context));
  const many = <Request, Response>(
    route: (services: Services, request: Request, context: CallContext) => AsyncIterable<Response>,
  ) => serverStream(forOperators, (request: Request, context) => route(services, request, context));
  return {
    // The join token is the proof.
    enrolment: { enrol: unary({ log, gate: openGate, calls }, (request) => enrol(services, request)) },
    fleet: {
      createCluster: one(createCluster),
      updateCluster: one(updateCluster),
      listClusters: one(listClusters),
      createJoinToken: one(createJoinToken),
      listNodes: one(listNodes),
      getNode: one(getNode),
      removeNode: one(removeNode),
      releaseNode: one(releaseNode),
      checkConflicts: one(checkConflicts),
      getOrder: one(getOrder),
      appendLoad: one(appendLoad),
      appendRetire: one(appendRetire),
      recoverOrder: one(recoverOrder),
      startRollout: one(startRollout),
      listRollouts: one(listRollouts),
      getRollout: one(getRollout),
      watchRollout: many(watchRollout),
    },
    build: {
      addKernel: many(addKernel),
      listKernels: one(listKernels),
      submitPatch: one(submitPatch),
      combinePatches: one(combinePatches),
      explainPatch: one(explainPatch),
      listPatches: one(listPatches),
      getPatch: one(getPatch),
      listBuilds: one(listBuilds),
      getBuild: one(getBuild),
      watchBuild: many(watchBuild),
      cancelBuild: one(cancelBuild),
    },
  };
}
