// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import { parseAddress, reachableAddress, showAddress } from '@lockstep/io/rpc-client';
import { leafCommand, numberFromOne, wholeNumber, type Cli, type LeafOptions } from '../cli';
import { toDocument } from '../document';
import { readTtlSeconds } from '../ttl-option';
import { fields, showTime } from '../table';

interface Options extends LeafOptions {
  readonly cluster: string;
  readonly expires?: number;
  readonly ttlSeconds?: number;
  readonly allow?: string;
  readonly count?: number;
}

/** As root there; which Node.js will do is in the manual. */
const toType = (server: string, joinToken: string): string =>
  'copy dist/node-agent.js and a Node.js there, then as root:\n' +
  `LOCKSTEP_AGENT_SERVER=${server} LOCKSTEP_AGENT_JOIN_TOKEN=${joinToken} node node-agent.js`;

export const joinNode = (cli: Cli): Command =>
  leafCommand('join', 'make the token with which one machine becomes this node, or many become nodes')
    .argument('[node]', 'name of the node')
    .requiredOption('--cluster <cluster>', 'cluster it belongs to')
    .option('--allow <pattern>', 'for many machines, each under its own name, which must look like this: web-*')
    .option('--count <machines>', 'how many machines, with --allow', numberFromOne)
    .option('--expires <time>', 'how long the token holds, as in 30m or 12h (default: an hour)', readTtlSeconds)
    .option('--ttl-seconds <seconds>', 'the same in seconds', wholeNumber)
    .action(
      (
        node: string | undefined,
        { cluster, expires, ttlSeconds = expires ?? 0, allow = '', count = 0, ...options }: Options,
      ) =>
        cli.run(options, async ({ fleet, signal, server }) => {
          const request = { cluster, node: node ?? '', ttlSeconds, allow, count };
          const answer = await fleet.createJoinToken(request, { signal });
          const agents = reachableAddress(parseAddress(answer.agentAddress), parseAddress(server));
          const text = fields([
            ['Join token', answer.joinToken],
            ['Expires', showTime(answer.expiresAt)],
            [allow === '' ? 'On the machine' : 'On each machine', toType(showAddress(agents), answer.joinToken)],
          ]);
          return { document: toDocument(answer), text };
        }),
    );
