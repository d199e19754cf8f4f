// SPDX-License-Identifier: GPL-2.0-only
import type { Cluster } from '@lockstep/contracts/generated';
import { switchingToWire } from '@lockstep/contracts/wire';
import type { ClusterRecord } from '@lockstep/io/database';

export const clusterToWire = ({
  name,
  createdAt,
  switching,
  removeSilentAfterDays,
  approvals,
}: ClusterRecord): Cluster => ({
  name,
  createdAt,
  removeSilentAfterDays: removeSilentAfterDays ?? 0,
  approvals: approvals && {
    needed: approvals.needed,
    approvers: approvals.among.map((subject) => subject.replace('person:', '')),
    validSeconds: approvals.validMs / 1_000,
  },
  ...switchingToWire(switching),
});
