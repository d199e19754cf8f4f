// SPDX-License-Identifier: GPL-2.0-only
import type { Cluster } from '@lockstep/contracts/generated';
import { switchingToWire } from '@lockstep/contracts/wire';
import type { ClusterRecord } from '@lockstep/io/database';

export const clusterToWire = ({ name, createdAt, switching, removeSilentAfterDays }: ClusterRecord): Cluster => ({
  name,
  createdAt,
  removeSilentAfterDays: removeSilentAfterDays ?? 0,
  ...switchingToWire(switching),
});
