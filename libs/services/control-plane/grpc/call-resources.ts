// SPDX-License-Identifier: GPL-2.0-only
import type {
  AccessServiceService,
  AuditServiceService,
  BuildServiceService,
  FleetServiceService,
} from '@lockstep/contracts/generated';
import type { OperatorCallName } from '@lockstep/contracts/wire';
import { inCluster, installation, shared, type Resource } from '@lockstep/domain/access';
import { parseClusterName, parseNodeName } from '@lockstep/domain/livepatch-model';
import type { Uses } from '../services';

type Definitions = typeof FleetServiceService &
  typeof BuildServiceService &
  typeof AccessServiceService &
  typeof AuditServiceService;
type RequestOf<Name extends OperatorCallName> = ReturnType<Definitions[Name]['requestDeserialize']>;

/** What finding out what a call is about needs. */
export type ResourceFinder = 'nodes' | 'db.rollouts' | 'db.webhooks';

type Needs = Uses<ResourceFinder>;

type Resources = {
  readonly [Name in OperatorCallName]: (request: RequestOf<Name>, needs: Needs) => Resource | Promise<Resource>;
};

const ofCluster = ({ cluster }: { readonly cluster: string }): Resource => inCluster(parseClusterName(cluster));

/** Without a cluster it is a list of them all, of which the route tells what is in the caller's scope. */
const ofOneOrAll = ({ cluster }: { readonly cluster: string }): Resource =>
  cluster === '' ? shared : ofCluster({ cluster });

/** Without a cluster it holds in all of them. */
const ofOneOrInstallation = ({ cluster }: { readonly cluster: string }): Resource =>
  cluster === '' ? installation : ofCluster({ cluster });

/** One that is not known is of no cluster: only who may see all is told so. */
function ofNode({ name }: { readonly name: string }, { nodes }: Needs): Resource {
  const node = nodes.find(parseNodeName(name));
  return node === undefined ? installation : inCluster(node.cluster);
}

/** Of several clusters at once only who may do it everywhere. */
function ofNodes({ names }: { readonly names: readonly string[] }, { nodes }: Needs): Resource {
  const clusters = new Set(names.map((name) => nodes.find(parseNodeName(name))?.cluster));
  const [cluster] = clusters;
  return cluster === undefined || clusters.size > 1 ? installation : inCluster(cluster);
}

async function ofRollout({ id }: { readonly id: string }, { db }: Needs): Promise<Resource> {
  const cluster = await db.rollouts.clusterOf(id);
  return cluster === undefined ? installation : inCluster(cluster);
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
  listNodes: ofOneOrAll,
  getNode: ofNode,
  removeNode: ofNode,
  labelNodes: ofNodes,
  getExposure: ofOneOrAll,
  getCensus: ofOneOrAll,
  revokeNode: ofNode,
  releaseNode: ofNode,
  listDrift: ofOneOrAll,
  repairNode: ofNode,
  checkConflicts: ofCluster,
  getOrder: ofCluster,
  appendLoad: ofCluster,
  appendRetire: ofCluster,
  recoverOrder: ofCluster,
  planRollout: ({ rollout }) => ofCluster({ cluster: rollout?.cluster ?? '' }),
  startRollout: ofCluster,
  listRollouts: ofOneOrAll,
  getRollout: ofRollout,
  watchRollout: ofRollout,
  pauseRollout: ofRollout,
  resumeRollout: ofRollout,
  abortRollout: ofRollout,
  retryRollout: ofRollout,
  approveRollout: ofRollout,
  rejectRollout: ofRollout,
  addWindow: ofCluster,
  listWindows: ofOneOrAll,
  removeWindow: ofCluster,
  addFreeze: ofOneOrInstallation,
  listFreezes: ofOneOrAll,
  removeFreeze: ofOneOrInstallation,
  planRollback: ({ rollback }, needs) => ofRollout({ id: rollback?.id ?? '' }, needs),
  rollBackRollout: ofRollout,
  listEvents: ofOneOrAll,
  watchEvents: ofOneOrAll,
  addWebhook: ofOneOrInstallation,
  // A list of which the route tells those that are in the caller's scope.
  listWebhooks: isShared,
  removeWebhook: ofWebhook,
  testWebhook: ofWebhook,
  rotateWebhookSecret: ofWebhook,
  addKernel: isShared,
  listKernels: isShared,
  submitPatch: ({ onto }) => (onto === undefined ? shared : ofCluster(onto)),
  combinePatches: isShared,
  explainPatch: isShared,
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
  readAudit: isInstallation,
};

/** What a call is about. @throws LockstepError `invalid-input` for what is no name. */
export async function resourceOf(needs: Needs, name: OperatorCallName, request: unknown): Promise<Resource> {
  const of = resources[name] as (request: unknown, needs: Needs) => Resource | Promise<Resource>;
  return of(request, needs);
}
