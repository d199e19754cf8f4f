// SPDX-License-Identifier: GPL-2.0-only
import type { Cluster } from '@lockstep/contracts/generated';
import { toDocument } from '../document';
import { consistencyWord } from '../switching-options';

/** A cluster as JSON, its mode by the kernel's word; null where it has none of its own. */
export const clusterDocument = (cluster: Cluster | undefined): unknown =>
  cluster === undefined
    ? null
    : { ...(toDocument(cluster) as object), consistency: consistencyWord(cluster.consistency) || null };
