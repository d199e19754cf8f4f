// SPDX-License-Identifier: GPL-2.0-only
import type { ServiceDefinition, UntypedHandleCall, UntypedServiceImplementation } from '@grpc/grpc-js';
import {
  AccessServiceService,
  AuditServiceService,
  BuildServiceService,
  CampaignServiceService,
  FleetServiceService,
  type EnrolmentServiceServer,
} from '@lockstep/contracts/generated';
import { operatorCalls, type OperatorCallName } from '@lockstep/contracts/wire';
import {
  abortCampaign,
  approveCampaign,
  getCampaign,
  listCampaigns,
  pauseCampaign,
  resumeCampaign,
  startCampaign,
  watchCampaign,
} from '../routes/campaigns';
import { planCampaign } from '../routes/plan-campaign';
import { rollBackCampaign } from '../routes/roll-back-campaign';
import { addKernel } from '../routes/add-kernel';
import { appendLoad } from '../routes/append-load';
import { appendRetire } from '../routes/append-retire';
import { cancelBuild } from '../routes/cancel-build';
import { checkConflicts } from '../routes/check-conflicts';
import { combinePatches } from '../routes/combine-patches';
import { secretSha256 } from '@lockstep/io/certificates';
import { EnrolmentLimits } from '../agents/enrolment-limits';
import type { Caller } from '../audit/call-audit';
import { createCluster } from '../routes/create-cluster';
import { createJoinToken } from '../routes/create-join-token';
import { listDrift, repairNode } from '../routes/drift';
import { listEvents, watchEvents } from '../routes/events';
import { addWebhook, listWebhooks, removeWebhook, rotateWebhookSecret, testWebhook } from '../routes/webhooks';
import { enrol } from '../routes/enrol';
import { createToken } from '../routes/create-token';
import { explainPatch } from '../routes/explain-patch';
import { getProvenance } from '../routes/get-provenance';
import { getBuild } from '../routes/get-build';
import { getCensus } from '../routes/get-census';
import { getExposure } from '../routes/get-exposure';
import { getNode } from '../routes/get-node';
import { getOrder } from '../routes/get-order';
import { getPatch } from '../routes/get-patch';
import { getRollout } from '../routes/get-rollout';
import { getSystem } from '../routes/get-system';
import { labelNodes } from '../routes/label-nodes';
import {
  listBuilds,
  listClusters,
  listKernels,
  listNodes,
  listPatches,
  listRollouts,
  listTokens,
} from '../routes/lists';
import { approveRollout, rejectRollout } from '../routes/approve-rollout';
import { breakGlass } from '../routes/break-glass';
import { confirmRollout } from '../routes/confirm-rollout';
import { abortRollout, pauseRollout, resumeRollout, retryRollout } from '../routes/order-rollout';
import { readAudit } from '../routes/read-audit';
import { planRollout } from '../routes/plan-rollout';
import { removeNode } from '../routes/remove-node';
import { recoverOrder } from '../routes/recover-order';
import { activateAuthority, listAuthorities, prepareAuthority, retireAuthority } from '../routes/authorities';
import { rotateLogKey } from '../routes/rotate-log-key';
import { releaseNode } from '../routes/release-node';
import { addFreeze, addWindow, listFreezes, listWindows, removeFreeze, removeWindow } from '../routes/schedules';
import { reviewRollout } from '../routes/review-rollout';
import { planRollback, rollBackRollout } from '../routes/roll-back-rollout';
import { startRollout } from '../routes/start-rollout';
import { revokeNode } from '../routes/revoke-node';
import { revokeToken } from '../routes/revoke-token';
import { beginSession, endSession } from '../routes/sessions';
import { submitPatch } from '../routes/submit-patch';
import { updateCluster } from '../routes/update-cluster';
import { watchBuild } from '../routes/watch-build';
import { watchNodes } from '../routes/watch-nodes';
import { watchRollout } from '../routes/watch-rollout';
import { watchRollouts } from '../routes/watch-rollouts';
import { whoAmI } from '../routes/who-am-i';
import type { Services } from '../services';
import { encodedAnswer, type EncodedAnswer } from './answer-parts';
import { inParts, serverStream, unary, type CallContext, type RouteParts } from './call-route';
import { CallGuard } from './guarded-call';
import { keepingAnswer, type KeepingContext } from './kept-answer';

type Definitions = typeof FleetServiceService &
  typeof BuildServiceService &
  typeof AccessServiceService &
  typeof AuditServiceService &
  typeof CampaignServiceService;
type RequestOf<Name extends OperatorCallName> = ReturnType<Definitions[Name]['requestDeserialize']>;
type ResponseOf<Name extends OperatorCallName> = ReturnType<Definitions[Name]['responseDeserialize']>;

type Calls = typeof operatorCalls;
type ContextOf<Name extends OperatorCallName> = Calls[Name]['repeat'] extends 'keyed'
  ? KeepingContext<ResponseOf<Name>>
  : CallContext;
type AnswerOf<Name extends OperatorCallName> = Calls[Name]['answer'] extends 'events'
  ? AsyncIterable<ResponseOf<Name>>
  : ResponseOf<Name> | Promise<ResponseOf<Name>>;

type Routes = {
  readonly [Name in OperatorCallName]: (
    services: Services,
    request: RequestOf<Name>,
    context: ContextOf<Name>,
  ) => AnswerOf<Name>;
};

const routes: Routes = {
  createCluster,
  updateCluster,
  listClusters,
  createJoinToken,
  listNodes,
  watchNodes,
  getNode,
  getExposure,
  getCensus,
  removeNode,
  labelNodes,
  revokeNode,
  releaseNode,
  listDrift,
  repairNode,
  checkConflicts,
  getOrder,
  appendLoad,
  appendRetire,
  recoverOrder,
  rotateLogKey,
  planRollout,
  startRollout,
  breakGlass,
  confirmRollout,
  pauseRollout,
  resumeRollout,
  abortRollout,
  retryRollout,
  approveRollout,
  rejectRollout,
  addWindow,
  listWindows,
  removeWindow,
  addFreeze,
  listFreezes,
  removeFreeze,
  planRollback,
  rollBackRollout,
  listRollouts,
  getRollout,
  reviewRollout,
  watchRollouts,
  watchRollout,
  planCampaign,
  startCampaign,
  listCampaigns,
  getCampaign,
  watchCampaign,
  pauseCampaign,
  resumeCampaign,
  abortCampaign,
  rollBackCampaign,
  approveCampaign,
  listEvents,
  watchEvents,
  addWebhook,
  listWebhooks,
  removeWebhook,
  testWebhook,
  rotateWebhookSecret,
  getSystem,
  addKernel,
  listKernels,
  submitPatch,
  combinePatches,
  explainPatch,
  getProvenance,
  listPatches,
  getPatch,
  listBuilds,
  getBuild,
  watchBuild,
  cancelBuild,
  whoAmI,
  createToken,
  listTokens,
  revokeToken,
  beginSession,
  endSession,
  listAuthorities,
  prepareAuthority,
  activateAuthority,
  retireAuthority,
  readAudit,
};

/** Of whichever call: `routes` has seen to it that it fits. */
type AnyRoute<Answer> = (services: Services, request: unknown, context: CallContext) => Answer;

/** Each message as it leaves. */
async function* encodedEach(
  messages: AsyncIterable<object>,
  codec: Parameters<typeof encodedAnswer>[1],
): AsyncGenerator<EncodedAnswer> {
  for await (const message of messages) yield await encodedAnswer(message, codec);
}

/** A call with its route, in the shape and with the promise that the table of calls gives it. */
function handlerOf(
  name: OperatorCallName,
  method: Definitions[OperatorCallName],
  services: Services,
  parts: RouteParts,
): UntypedHandleCall {
  const { repeat, answer } = operatorCalls[name];
  // Before anything else is done for it, also before it is told what it was answered earlier.
  const guard = new CallGuard(services, name, method.path);
  const codec = method as unknown as Parameters<typeof keepingAnswer<unknown, object>>[1];
  if (answer === 'events') {
    const route = routes[name] as AnyRoute<AsyncIterable<object>>;
    return serverStream(parts, (request, context) =>
      encodedEach(
        guard.events(request, context, (guarded) => route(services, request, guarded)),
        codec,
      ),
    );
  }
  const route = routes[name] as AnyRoute<object | Promise<object>>;
  const ask = async (request: unknown, context: CallContext) => await route(services, request, context);
  const asked = repeat === 'keyed' ? keepingAnswer(services.db.callAnswers, codec, ask) : ask;
  const allowed = (request: unknown, context: CallContext) =>
    guard.answer(request, context, (guarded) => asked(request, guarded));
  if (answer === 'parts') return inParts(parts, codec, allowed);
  return unary(parts, async (request: unknown, context) => encodedAnswer(await allowed(request, context), codec));
}

export interface OperatorHandlers {
  readonly enrolment: EnrolmentServiceServer;
  readonly fleet: UntypedServiceImplementation;
  readonly build: UntypedServiceImplementation;
  readonly access: UntypedServiceImplementation;
  readonly audit: UntypedServiceImplementation;
  readonly campaigns: UntypedServiceImplementation;
}

/** Without the port, which is another one each time. */
const addressOf = ({ from }: Caller): string => from.slice(0, from.lastIndexOf(':'));

/** Every call of the operator port with its route. */
export function operatorHandlers(services: Services): OperatorHandlers {
  const { log, calls, metrics } = services;
  const limits = new EnrolmentLimits(() => {
    metrics.noteLimited('enrolments');
  });
  const parts = { log, calls, onEnd: metrics.noteCall.bind(metrics) };
  const handlers = (definition: ServiceDefinition): UntypedServiceImplementation =>
    Object.fromEntries(
      Object.entries(definition).map(([name, method]) => [
        name,
        handlerOf(name as OperatorCallName, method as Definitions[OperatorCallName], services, parts),
      ]),
    );
  return {
    // The join token is the proof.
    enrolment: {
      enrol: unary(parts, (request, context) =>
        limits.admit({ address: addressOf(context.caller), tokenSha256: secretSha256(request.joinToken) }, () =>
          enrol(services, request, context),
        ),
      ),
    },
    fleet: handlers(FleetServiceService),
    build: handlers(BuildServiceService),
    access: handlers(AccessServiceService),
    audit: handlers(AuditServiceService),
    campaigns: handlers(CampaignServiceService),
  };
}
