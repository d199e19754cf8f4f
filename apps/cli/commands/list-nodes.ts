// SPDX-License-Identifier: GPL-2.0-only
import { NodeStatus } from '@lockstep/contracts/generated';
import { listAll } from '@lockstep/io/rpc-client';
import type { Command } from 'commander';
import { leafCommand, type Cli, type LeafOptions } from '../cli';
import { limitOption, statusOption, type ListOptions } from '../list-options';
import { kernelBuildOption, resolveKernelBuild } from '../resolve-kernel-build';
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
}

/** What the table shows: a node's functions may be thousands. */
const shown =
  'name,cluster,connected,kernel_build_id,kernel_release,patched_core,last_seen_at,labels,' +
  'report.status,report.position,report.target,report.stack.module_name';

export const listNodes = (cli: Cli): Command =>
  leafCommand('ls', 'list nodes')
    .option('--cluster <cluster>', 'only of this cluster')
    .option(...selectorOption)
    .option('--show-labels', 'their labels in a column of its own')
    .option(...kernelBuildOption)
    .addOption(statusOption(NodeStatus, 'NODE_STATUS_', 'only with this status'))
    .option('--connected', 'only those that are connected')
    .option('--off', 'only those that are not')
    .addOption(limitOption())
    .action(({ cluster = '', selector = '', showLabels = false, limit, ...given }: Options) =>
      cli.run(given, async (context) => {
        const { kernelBuild, status, connected, off, json } = given;
        const { fleet, signal } = context;
        const only = {
          kernelBuildId: await resolveKernelBuild(context, kernelBuild),
          ...{ status, connected: connected === true ? true : off === true ? false : undefined },
        };
        const readMask = json === true ? undefined : shown;
        const asked = { cluster, selector, ...only, readMask };
        const nodes = await listAll(fleet.listNodes, asked, (answer) => answer.nodes, { signal, limit });
        return { document: { nodes: nodes.map(nodeDocument) }, text: nodeTable(nodes, { showLabels }) };
      }),
    );
