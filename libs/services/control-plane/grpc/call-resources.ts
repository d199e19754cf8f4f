// SPDX-License-Identifier: GPL-2.0-only
import type {
  AccessServiceService,
  AuditServiceService,
  BuildServiceService,
  CampaignServiceService,
  FleetServiceService,
  StartRolloutRequest,
} from '@lockstep/contracts/generated';
import type { OperatorCallName } from '@lockstep/contracts/wire';
import { inCluster, installation, nodesIn, shared, sharedIn, theNode, type Resource } from '@lockstep/domain/access';
import {
  parseClusterName,
  parseKernelBuildId,
  parseNodeName,
  type ClusterName,
  type KernelBuildId,
} from '@lockstep/domain/livepatch-model';
import type { Uses } from '../services';

type Definitions = typeof FleetServiceService &
  typeof BuildServiceService &
  typeof AccessServiceService &
  typeof AuditServiceService &
  typeof CampaignServiceService;
type RequestOf<Name extends OperatorCallName> = ReturnType<Definitions[Name]['requestDeserialize']>;

/** What finding out what a call is about needs. */
export type ResourceFinder = 'nodes' | 'db.rollouts' | 'db.webhooks' | 'db.campaigns';

type Needs = Uses<ResourceFinder>;

type Resources = {
  readonly [Name in OperatorCallName]: (request: RequestOf<Name>, needs: Needs) => Resource | Promise<Resource>;
};

const ofCluster = ({ cluster }: { readonly cluster: string }): Resource => inCluster(parseClusterName(cluster));

/** What its nodes go by, or a list of them, of which the route tells those that are in the caller's scope. */
const inside = ({ cluster }: { readonly cluster: string }): Resource => sharedIn(parseClusterName(cluster));

/** Without a cluster it is a list of them all, of which the route tells what is in the caller's scope. */
const insideOneOrAll = ({ cluster }: { readonly cluster: string }): Resource =>
  cluster === '' ? shared : inside({ cluster });

/** Without a cluster it holds in all of them. */
const ofOneOrInstallation = ({ cluster }: { readonly cluster: string }): Resource =>
  cluster === '' ? installation : ofCluster({ cluster });

/** One that is not known is of no cluster: only who may see all is told so. */
function ofNode({ name }: { readonly name: string }, { nodes }: Needs): Resource {
  const node = nodes.find(parseNodeName(name));
  return node === undefined ? installation : theNode(node);
}

function ofNodes({ names }: { readonly names: readonly string[] }, { nodes }: Needs): Resource {
  const known = names.flatMap((name) => nodes.find(parseNodeName(name)) ?? []);
  return known.length === 0 || known.length < names.length ? installation : { kind: 'nodes', nodes: known };
}

/** All that follow this load order; of a cluster whose nodes run one kernel build it need not be named. */
const ofOrder = (cluster: ClusterName, kernelBuild: KernelBuildId | undefined, { nodes }: Needs): Resource =>
  nodesIn(
    cluster,
    nodes.list(cluster).filter((node) => kernelBuild === undefined || node.kernelBuild === kernelBuild),
  );

/** The nodes that it would move. One that was shown goes by its hash, whatever kernel build the request names. */
function ofNewRollout(
  { cluster, kernelBuildId, planHash }: Pick<StartRolloutRequest, 'cluster' | 'kernelBuildId' | 'planHash'>,
  needs: Needs,
): Resource {
  const kernelBuild = kernelBuildId === '' || planHash !== '' ? undefined : parseKernelBuildId(kernelBuildId);
  return ofOrder(parseClusterName(cluster), kernelBuild, needs);
}

/** The nodes that it moves: those that came later too. */
async function ofRollout({ id }: { readonly id: string }, needs: Needs): Promise<Resource> {
  const log = await needs.db.rollouts.logOf(id);
  return log === undefined ? installation : ofOrder(log.cluster, log.kernelBuild, needs);
}

/** Of several clusters its routes insist on the verb in each. */
async function ofCampaign({ id }: { readonly id: string }, { db }: Needs): Promise<Resource> {
  const clusters = await db.campaigns.clustersOf(id);
  const [cluster] = clusters;
  if (cluster === undefined) return installation;
  return clusters.length === 1 ? inCluster(cluster) : shared;
}

/** It carries away what happens in one cluster, or in every one. */
async function ofWebhook({ name }: { readonly name: string }, { db }: Needs): Promise<Resource> {
  const cluster = (await db.webhooks.find(name))?.cluster;
  return cluster === undefined ? installation : inCluster(cluster);
}

const isShared = (): Resource => shared;
const isInstallation = (): Resource => installation;

const resources: Resources = {
  createCluster: isInstallation,
  updateCluster: ({ name }) => ofCluster({ cluster: name }),
  listClusters: isShared,
  createJoinToken: ofCluster,
  listNodes: insideOneOrAll,
  watchNodes: insideOneOrAll,
  getNode: ofNode,
  removeNode: ofNode,
  labelNodes: ofNodes,
  getExposure: insideOneOrAll,
  getCensus: insideOneOrAll,
  revokeNode: ofNode,
  releaseNode: ofNode,
  listDrift: insideOneOrAll,
  repairNode: ofNode,
  checkConflicts: inside,
  getOrder: inside,
  appendLoad: ofCluster,
  appendRetire: ofCluster,
  recoverOrder: ofCluster,
  rotateLogKey: ofCluster,
  planRollout: ({ rollout }, needs) =>
    ofNewRollout({ ...(rollout ?? { cluster: '', kernelBuildId: '' }), planHash: '' }, needs),
  startRollout: ofNewRollout,
  breakGlass: ofNewRollout,
  confirmRollout: ofRollout,
  listRollouts: insideOneOrAll,
  getRollout: ofRollout,
  reviewRollout: ofRollout,
  watchRollouts: insideOneOrAll,
  watchRollout: ofRollout,
  pauseRollout: ofRollout,
  resumeRollout: ofRollout,
  abortRollout: ofRollout,
  retryRollout: ofRollout,
  approveRollout: ofRollout,
  rejectRollout: ofRollout,
  addWindow: ofCluster,
  listWindows: insideOneOrAll,
  removeWindow: ofCluster,
  addFreeze: ofOneOrInstallation,
  listFreezes: insideOneOrAll,
  removeFreeze: ofOneOrInstallation,
  planRollback: ({ rollback }, needs) => ofRollout({ id: rollback?.id ?? '' }, needs),
  rollBackRollout: ofRollout,
  // Of the clusters that it names: their routes insist on the verb in each.
  planCampaign: isShared,
  startCampaign: isShared,
  listCampaigns: isShared,
  getCampaign: ofCampaign,
  watchCampaign: ofCampaign,
  pauseCampaign: ofCampaign,
  resumeCampaign: ofCampaign,
  abortCampaign: ofCampaign,
  rollBackCampaign: ofCampaign,
  approveCampaign: ofCampaign,
  listEvents: insideOneOrAll,
  watchEvents: insideOneOrAll,
  addWebhook: ofOneOrInstallation,
  // A list of which the route tells those that are in the caller's scope.
  listWebhooks: isShared,
  removeWebhook: ofWebhook,
  testWebhook: ofWebhook,
  rotateWebhookSecret: ofWebhook,
  getSystem: isShared,
  addKernel: isShared,
  listKernels: isShared,
  submitPatch: ({ onto }) => (onto === undefined ? shared : inside(onto)),
  combinePatches: isShared,
  explainPatch: isShared,
  getProvenance: isShared,
  listPatches: isShared,
  getPatch: isShared,
  listBuilds: isShared,
  getBuild: isShared,
  watchBuild: isShared,
  cancelBuild: isShared,
  whoAmI: isShared,
  beginSession: isShared,
  endSession: isShared,
  createToken: isInstallation,
  listTokens: isInstallation,
  revokeToken: isInstallation,
  // Whom to trust is for everybody; of whom it waits for its route tells those who may look everywhere.
  listAuthorities: isShared,
  prepareAuthority: isInstallation,
  activateAuthority: isInstallation,
  retireAuthority: isInstallation,
  readAudit: isInstallation,
};

/** What a call is about. @throws LockstepError `invalid-input` for what is no name. */
export async function resourceOf(needs: Needs, name: OperatorCallName, request: unknown): Promise<Resource> {
  const of = resources[name] as (request: unknown, needs: Needs) => Resource | Promise<Resource>;
  return of(request, needs);
}
