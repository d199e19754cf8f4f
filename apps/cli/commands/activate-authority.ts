// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import { AuthorityStage } from '@lockstep/contracts/generated';
import { authorityAt } from '../authority-at';
import { leafCommand, type Cli, type LeafOptions } from '../cli';
import { authorityDocument, shortOf } from '../views/authority-view';

interface Options extends LeafOptions {
  readonly withoutWaiting?: boolean;
}

export const activateAuthority = (cli: Cli): Command =>
  leafCommand('activate', 'have the successor sign from now on: nodes get certificates of it')
    .option('--without-waiting', 'also where nodes do not trust it yet')
    .action(({ withoutWaiting = false, ...options }: Options) =>
      cli.run(options, async ({ access, signal }) => {
        const sha256 = await authorityAt(
          access.listAuthorities({}, { signal }),
          AuthorityStage.AUTHORITY_STAGE_PREPARED,
          'No successor is prepared: lockstep ca rotate prepares one.',
        );
        const { authority } = await access.activateAuthority({ sha256, withoutWaiting }, { signal });
        return {
          document: { authority: authority && authorityDocument(authority) },
          text:
            `Authority ${shortOf(authority)} signs from now on. Nodes renew their certificates with it; lockstep ca ls says who has.\n` +
            'Then: lockstep ca retire',
        };
      }),
    );
