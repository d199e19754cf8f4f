// SPDX-License-Identifier: GPL-2.0-only
import { NodeStatus } from '@lockstep/contracts/generated';
import { listAll } from '@lockstep/io/rpc-client';
import type { Command } from 'commander';
import { viewCommand, type Cli, type LeafOptions } from '../cli';
import { limitOption, statusOption, type ListOptions } from '../list-options';
import { kernelBuildOption, resolveKernelBuild } from '../resolve-kernel-build';
import { formOf } from '../output-form';
import { selectorOption } from '../selector-option';
import { nodeDocument, nodeTable } from '../views/node-view';

interface Options extends LeafOptions, ListOptions {
  readonly cluster?: string;
  readonly selector?: string;
  readonly showLabels?: boolean;
  readonly kernelBuild?: string;
  readonly status?: NodeStatus;
  readonly connected?: boolean;
  readonly off?: boolean;
  readonly withoutCve?: string;
  readonly orderBy?: string;
}

/** What the table shows: a node's functions may be thousands. */
const shown =
  'name,cluster,connected,kernel_build_id,kernel_release,patched_core,last_seen_at,labels,' +
  'report.status,report.position,report.target,report.stack.module_name,report.heard_head';

export const listNodes = (cli: Cli): Command =>
  viewCommand('ls', 'list nodes')
    .option('--cluster <cluster>', 'only of this cluster')
    .option(...selectorOption)
    .option('--without-cve <cve>', 'only those whose kernels do not show its fix, whole and in effect')
    .option('--show-labels', 'their labels in a column of its own')
    .option(...kernelBuildOption)
    .addOption(statusOption(NodeStatus, 'NODE_STATUS_', 'only with this status'))
    .option('--connected', 'only those that are connected')
    .option('--off', 'only those that are not')
    .option(
      '--order-by <order>',
      'name, cluster, status, position, kernel, agent or last_seen; "status desc" the other way round',
    )
    .addOption(limitOption())
    .action(({ cluster = '', selector = '', showLabels = false, limit, ...given }: Options) =>
      cli.run(given, async (context) => {
        const { kernelBuild, status, connected, off, withoutCve, orderBy } = given;
        const { fleet, signal } = context;
        const only = {
          kernelBuildId: await resolveKernelBuild(context, kernelBuild),
          ...{ status, connected: connected === true ? true : off === true ? false : undefined },
        };
        const form = formOf(given);
        const readMask = form === 'table' || form === 'name' ? shown : undefined;
        const asked = { cluster, selector, ...only, withoutCve, readMask, orderBy };
        const nodes = await listAll(fleet.listNodes, asked, (answer) => answer.nodes, { signal, limit });
        return {
          document: { nodes: nodes.map(nodeDocument) },
          text: nodeTable(nodes, { showLabels }),
          wide: () => nodeTable(nodes, { showLabels: true, isWide: true }),
          names: nodes.map(({ name }) => name),
        };
      }),
    );
