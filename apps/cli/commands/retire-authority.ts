// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import { AuthorityStage } from '@lockstep/contracts/generated';
import { authorityAt } from '../authority-at';
import { leafCommand, type Cli, type LeafOptions } from '../cli';
import { authorityDocument, shortOf } from '../views/authority-view';

interface Options extends LeafOptions {
  readonly withoutWaiting?: boolean;
}

export const retireAuthority = (cli: Cli): Command =>
  leafCommand('retire', 'trust the authority that signed before no more')
    .option('--without-waiting', 'also where nodes have certificates of it alone: they must join again')
    .action(({ withoutWaiting = false, ...options }: Options) =>
      cli.run(options, async ({ access, signal }) => {
        const sha256 = await authorityAt(
          access.listAuthorities({}, { signal }),
          AuthorityStage.AUTHORITY_STAGE_RETIRING,
          'No authority retires: one does when its successor signs (lockstep ca activate).',
        );
        const { authority } = await access.retireAuthority({ sha256, withoutWaiting }, { signal });
        return {
          document: { retired: sha256, authority: authority && authorityDocument(authority) },
          text: `Authority ${sha256.slice(0, 16)} is trusted no more; ${shortOf(authority)} signs.`,
        };
      }),
    );
