// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import { leafCommand, type Cli, type LeafOptions } from '../cli';
import { authorityDocument, shortOf } from '../views/authority-view';

export const rotateAuthority = (cli: Cli): Command =>
  leafCommand(
    'rotate',
    'prepare a successor of the authority that signs: nodes trust it from then on, and it signs nothing yet',
  ).action((options: LeafOptions) =>
    cli.run(options, async ({ access, signal }) => {
      const { authority } = await access.prepareAuthority({}, { signal });
      return {
        document: { authority: authority && authorityDocument(authority) },
        text:
          `Authority ${shortOf(authority)} is prepared. Nodes are told to trust it; lockstep ca ls says who does.\n` +
          'Back up the folder of the keys now, and have other machines trust it too (lockstep ca fetch). Then: lockstep ca activate',
      };
    }),
  );
