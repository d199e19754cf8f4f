// SPDX-License-Identifier: GPL-2.0-only
import type { LockstepError } from '@lockstep/domain/livepatch-model';
import { listAll, type OperatorClient } from '@lockstep/io/rpc-client';
import { closestNames } from './closest';

/** What has a name that can be typed. */
export const nameKinds = [
  'node',
  'cluster',
  'patch',
  'rollout',
  'campaign',
  'build',
  'kernel',
  'token',
  'webhook',
  'window',
  'freeze',
] as const;
export type NameKind = (typeof nameKinds)[number];

export type Asking = Pick<OperatorClient, 'fleet' | 'build' | 'campaigns' | 'access'> & {
  readonly signal: AbortSignal;
};

/** Nobody types the id of an old one. */
const mostIds = 200;

/** All names of a kind, as the control plane has them. */
export async function knownNames(kind: NameKind, asking: Asking): Promise<string[]> {
  const { fleet, build, campaigns, access, signal } = asking;
  switch (kind) {
    case 'node': {
      const asked = { cluster: '', selector: '', readMask: 'name' };
      return (await listAll(fleet.listNodes, asked, ({ nodes }) => nodes, { signal })).map(({ name }) => name);
    }
    case 'cluster':
      return (await listAll(fleet.listClusters, {}, ({ clusters }) => clusters, { signal })).map(({ name }) => name);
    case 'patch':
      return (await listAll(build.listPatches, {}, ({ patches }) => patches, { signal })).map(({ name }) => name);
    case 'rollout': {
      const newest = { signal, limit: mostIds };
      return (await listAll(fleet.listRollouts, { cluster: '' }, ({ rollouts }) => rollouts, newest)).map(
        ({ id }) => id,
      );
    }
    case 'campaign': {
      const newest = { signal, limit: mostIds };
      return (await listAll(campaigns.listCampaigns, {}, (answer) => answer.campaigns, newest)).map(({ id }) => id);
    }
    case 'build':
      return (await listAll(build.listBuilds, {}, ({ builds }) => builds, { signal })).map(({ id }) => id);
    case 'webhook':
      return (await fleet.listWebhooks({}, { signal })).webhooks.map(({ name }) => name);
    case 'window':
      return (await fleet.listWindows({ cluster: '' }, { signal })).windows.map(({ name }) => name);
    case 'freeze':
      return (await fleet.listFreezes({ cluster: '' }, { signal })).freezes.map(({ name }) => name);
    case 'token':
      return (await access.listTokens({ all: false, sessions: false }, { signal })).tokens.map(({ name }) => name);
    case 'kernel':
      return (await listAll(build.listKernels, {}, ({ kernelBuilds }) => kernelBuilds, { signal })).map(({ id }) => id);
  }
}

/** Errors that say that a name is none: the kind, and the field that has the name. */
const unknownNames: Readonly<Record<string, readonly [NameKind, field: string]>> = {
  'unknown-node': ['node', 'node'],
  'unknown-cluster': ['cluster', 'cluster'],
  'unknown-patch': ['patch', 'patch'],
  'unknown-rollout': ['rollout', 'rollout'],
  'unknown-campaign': ['campaign', 'campaign'],
  'unknown-build': ['build', 'build'],
  'unknown-webhook': ['webhook', 'webhook'],
  'unknown-window': ['window', 'window'],
  'unknown-freeze': ['freeze', 'freeze'],
  'unknown-token': ['token', 'name'],
};

/** The names that may have been meant where there is none like the one given. Never throws: it only helps. */
export async function meantNames({ reason, fields }: LockstepError, asking: Asking): Promise<string[]> {
  const [kind, field] = unknownNames[reason] ?? [];
  const given = field === undefined ? undefined : fields[field];
  if (kind === undefined || typeof given !== 'string') return [];
  return knownNames(kind, asking).then(
    (names) => closestNames(given, names),
    () => [],
  );
}
