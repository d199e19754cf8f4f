// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import { leafCommand, type Cli, type LeafOptions } from '../cli';
import { tokenDocument, tokenFields } from '../views/token-view';

export const whoAmI = (cli: Cli): Command =>
  leafCommand('whoami', 'show whom the control plane takes you for, and what you may').action((options: LeafOptions) =>
    cli.run(options, async ({ access, signal }) => {
      const { token } = await access.whoAmI({}, { signal });
      const document = { token: tokenDocument(token) };
      return { document, text: token === undefined ? 'nobody' : tokenFields(token) };
    }),
  );
