// SPDX-License-Identifier: GPL-2.0-only
import type { NodeDrift } from '@lockstep/contracts/generated';
import { visibleLine } from '@lockstep/domain/visible-text';
import { showTime, table } from '../table';

export const driftTable = (nodes: readonly NodeDrift[]): string =>
  table(
    ['NODE', 'CLUSTER', 'AT', 'SEEN', 'HOW'],
    nodes.map(({ node, cluster, position, lastSeenAt, message }) => [
      node,
      cluster,
      String(position),
      showTime(lastSeenAt),
      visibleLine(message),
    ]),
    'No node has left its position.',
  );
