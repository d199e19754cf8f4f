// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import { leafCommand, type Cli, type LeafOptions } from '../cli';
import { buildDocument, buildTable } from '../views/build-view';

export const listBuilds = (cli: Cli): Command =>
  leafCommand('ls', 'list builds').action((options: LeafOptions) =>
    cli.run(options, async ({ build, signal }) => {
      const { builds } = await build.listBuilds({}, { signal });
      return { document: { builds: builds.map(buildDocument) }, text: buildTable(builds) };
    }),
  );
