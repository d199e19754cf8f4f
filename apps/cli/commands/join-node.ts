// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import { parseAddress, reachableAddress, showAddress } from '@lockstep/io/rpc-client';
import { leafCommand, wholeNumber, type Cli, type LeafOptions } from '../cli';
import { toDocument } from '../document';
import { fields, showTime } from '../table';

interface Options extends LeafOptions {
  readonly cluster: string;
  readonly ttlSeconds?: number;
}

export const joinNode = (cli: Cli): Command =>
  leafCommand('join', 'make the one-time token with which one machine becomes this node')
    .argument('<node>', 'name of the node')
    .requiredOption('--cluster <cluster>', 'cluster it belongs to')
    .option('--ttl-seconds <seconds>', 'how long the token holds (default: an hour)', wholeNumber)
    .action((node: string, { cluster, ttlSeconds = 0, ...options }: Options) =>
      cli.run(options, async ({ fleet, signal, server }) => {
        const answer = await fleet.createJoinToken({ cluster, node, ttlSeconds }, { signal });
        const agents = reachableAddress(parseAddress(answer.agentAddress), parseAddress(server));
        const text = fields([
          ['Join token', answer.joinToken],
          ['Expires', showTime(answer.expiresAt)],
          [
            'On the machine',
            `LOCKSTEP_AGENT_SERVER=${showAddress(agents)} LOCKSTEP_AGENT_JOIN_TOKEN=<token> lockstep-agent`,
          ],
        ]);
        return { document: toDocument(answer), text };
      }),
    );
