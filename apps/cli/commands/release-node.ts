// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import { leafCommand, type Cli, type LeafOptions } from '../cli';
import { toDocument } from '../document';

export const releaseNode = (cli: Cli): Command =>
  leafCommand('release', 'let a quarantined node load again what it did not survive')
    .argument('<node>', 'name')
    .action((name: string, options: LeafOptions) =>
      cli.run(options, async ({ fleet, signal }) => {
        const { quarantine } = await fleet.releaseNode({ name }, { signal });
        const what =
          quarantine === undefined ? '' : ` entry #${quarantine.seq}, which boot ${quarantine.crashedBootId}`;
        return {
          document: { node: name, quarantine: toDocument(quarantine) },
          text: `${name} was told to load${what} did not survive, on trial as before; "node show ${name}" tells what became of it.`,
        };
      }),
    );
