// SPDX-License-Identifier: GPL-2.0-only
import type { OperatorCallName } from './operator-calls';

export type HttpMethod = 'get' | 'post' | 'patch' | 'delete';

/** Where the HTTP API has an operator call. */
export interface OperatorPath {
  readonly method: HttpMethod;
  /** Fields of the request in braces; the others are the query of a GET and DELETE, the body of a POST and PATCH. */
  readonly path: string;
  /**
   * Of a call that answers with events, what they are: `states`, each of which is all there is to know, so that what comes in
   * quick succession is the last of it; or `steps`, all of which are told.
   */
  readonly events?: 'states' | 'steps';
  /** Of steps that can be taken up again: the field of the request that says from where, and that of a step which says to where. */
  readonly resume?: { readonly from: string; readonly by: string };
}

/** Every call has a place: one that is new does not compile until it has one here. */
export const operatorPaths = {
  createCluster: { method: 'post', path: '/v1/clusters' },
  updateCluster: { method: 'patch', path: '/v1/clusters/{name}' },
  listClusters: { method: 'get', path: '/v1/clusters' },
  createJoinToken: { method: 'post', path: '/v1/clusters/{cluster}/join-tokens' },
  listNodes: { method: 'get', path: '/v1/nodes' },
  watchNodes: {
    ...{ method: 'get', path: '/v1/streams/nodes', events: 'steps' },
    resume: { from: 'afterRevision', by: 'revision' },
  },
  getNode: { method: 'get', path: '/v1/nodes/{name}' },
  getExposure: { method: 'get', path: '/v1/exposure' },
  getCensus: { method: 'get', path: '/v1/census' },
  removeNode: { method: 'delete', path: '/v1/nodes/{name}' },
  revokeNode: { method: 'post', path: '/v1/nodes/{name}/revoke' },
  labelNodes: { method: 'post', path: '/v1/nodes/labels' },
  releaseNode: { method: 'post', path: '/v1/nodes/{name}/release' },
  listDrift: { method: 'get', path: '/v1/drift' },
  repairNode: { method: 'post', path: '/v1/nodes/{name}/repair' },
  checkConflicts: { method: 'get', path: '/v1/clusters/{cluster}/conflicts' },
  getOrder: { method: 'get', path: '/v1/clusters/{cluster}/order' },
  appendLoad: { method: 'post', path: '/v1/clusters/{cluster}/order/loads' },
  appendRetire: { method: 'post', path: '/v1/clusters/{cluster}/order/retirements' },
  recoverOrder: { method: 'post', path: '/v1/clusters/{cluster}/order/recoveries' },
  rotateLogKey: { method: 'post', path: '/v1/clusters/{cluster}/order/keys' },
  planRollout: { method: 'post', path: '/v1/rollouts/plans' },
  startRollout: { method: 'post', path: '/v1/clusters/{cluster}/rollouts' },
  breakGlass: { method: 'post', path: '/v1/clusters/{cluster}/emergencies' },
  confirmRollout: { method: 'post', path: '/v1/rollouts/{id}/confirm' },
  pauseRollout: { method: 'post', path: '/v1/rollouts/{id}/pause' },
  resumeRollout: { method: 'post', path: '/v1/rollouts/{id}/resume' },
  abortRollout: { method: 'post', path: '/v1/rollouts/{id}/abort' },
  retryRollout: { method: 'post', path: '/v1/rollouts/{id}/retry' },
  approveRollout: { method: 'post', path: '/v1/rollouts/{id}/approve' },
  rejectRollout: { method: 'post', path: '/v1/rollouts/{id}/reject' },
  addWindow: { method: 'post', path: '/v1/clusters/{cluster}/windows' },
  listWindows: { method: 'get', path: '/v1/windows' },
  removeWindow: { method: 'delete', path: '/v1/clusters/{cluster}/windows/{name}' },
  addFreeze: { method: 'post', path: '/v1/freezes' },
  listFreezes: { method: 'get', path: '/v1/freezes' },
  removeFreeze: { method: 'delete', path: '/v1/freezes/{name}' },
  planRollback: { method: 'post', path: '/v1/rollouts/rollbacks/plans' },
  rollBackRollout: { method: 'post', path: '/v1/rollouts/{id}/rollback' },
  listRollouts: { method: 'get', path: '/v1/rollouts' },
  getRollout: { method: 'get', path: '/v1/rollouts/{id}' },
  watchRollouts: { method: 'get', path: '/v1/streams/rollouts', events: 'steps' },
  reviewRollout: { method: 'get', path: '/v1/rollouts/{id}/review' },
  watchRollout: { method: 'get', path: '/v1/rollouts/{id}/events', events: 'states' },
  planCampaign: { method: 'post', path: '/v1/campaigns/plans' },
  startCampaign: { method: 'post', path: '/v1/campaigns' },
  listCampaigns: { method: 'get', path: '/v1/campaigns' },
  getCampaign: { method: 'get', path: '/v1/campaigns/{id}' },
  watchCampaign: { method: 'get', path: '/v1/campaigns/{id}/events', events: 'states' },
  pauseCampaign: { method: 'post', path: '/v1/campaigns/{id}/pause' },
  resumeCampaign: { method: 'post', path: '/v1/campaigns/{id}/resume' },
  abortCampaign: { method: 'post', path: '/v1/campaigns/{id}/abort' },
  rollBackCampaign: { method: 'post', path: '/v1/campaigns/{id}/rollback' },
  approveCampaign: { method: 'post', path: '/v1/campaigns/{id}/approve' },
  listEvents: { method: 'get', path: '/v1/events' },
  watchEvents: {
    ...{ method: 'get', path: '/v1/events/stream', events: 'steps' },
    resume: { from: 'afterSeq', by: 'seq' },
  },
  addWebhook: { method: 'post', path: '/v1/webhooks' },
  listWebhooks: { method: 'get', path: '/v1/webhooks' },
  removeWebhook: { method: 'delete', path: '/v1/webhooks/{name}' },
  testWebhook: { method: 'post', path: '/v1/webhooks/{name}/test' },
  rotateWebhookSecret: { method: 'post', path: '/v1/webhooks/{name}/secret' },
  getSystem: { method: 'get', path: '/v1/system' },
  addKernel: { method: 'post', path: '/v1/kernels', events: 'steps' },
  listKernels: { method: 'get', path: '/v1/kernels' },
  submitPatch: { method: 'post', path: '/v1/patches' },
  combinePatches: { method: 'post', path: '/v1/patches/combined' },
  explainPatch: { method: 'get', path: '/v1/patches/{patch}/explanation' },
  getProvenance: { method: 'get', path: '/v1/builds/{buildId}/provenance' },
  listPatches: { method: 'get', path: '/v1/patches' },
  getPatch: { method: 'get', path: '/v1/patches/{patch}' },
  listBuilds: { method: 'get', path: '/v1/builds' },
  getBuild: { method: 'get', path: '/v1/builds/{id}' },
  watchBuild: {
    ...{ method: 'get', path: '/v1/builds/{id}/events', events: 'steps' },
    resume: { from: 'fromLine', by: 'nextLine' },
  },
  whoAmI: { method: 'get', path: '/v1/access/me' },
  createToken: { method: 'post', path: '/v1/access/tokens' },
  listTokens: { method: 'get', path: '/v1/access/tokens' },
  revokeToken: { method: 'delete', path: '/v1/access/tokens/{name}' },
  beginSession: { method: 'post', path: '/v1/access/sessions' },
  endSession: { method: 'delete', path: '/v1/access/sessions/mine' },
  listAuthorities: { method: 'get', path: '/v1/access/authorities' },
  prepareAuthority: { method: 'post', path: '/v1/access/authorities' },
  activateAuthority: { method: 'post', path: '/v1/access/authorities/{sha256}/activate' },
  retireAuthority: { method: 'post', path: '/v1/access/authorities/{sha256}/retire' },
  readAudit: { method: 'get', path: '/v1/audit', events: 'steps', resume: { from: 'afterSeq', by: 'lastSeq' } },
  cancelBuild: { method: 'post', path: '/v1/builds/{id}/cancel' },
} as const satisfies Readonly<Record<OperatorCallName, OperatorPath>>;

/** Names of the request's fields that stand in the path. */
export const fieldsInPath = ({ path }: OperatorPath): string[] =>
  Array.from(path.matchAll(/\{(\w+)\}/g), ([, field = '']) => field);
