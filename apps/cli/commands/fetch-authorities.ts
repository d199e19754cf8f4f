// SPDX-License-Identifier: GPL-2.0-only
import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { AuthorityStage } from '@lockstep/contracts/generated';
import { leafCommand, type Cli, type LeafOptions } from '../cli';

interface Options extends LeafOptions {
  readonly out: string;
}

const trustedStages: readonly AuthorityStage[] = [
  AuthorityStage.AUTHORITY_STAGE_PREPARED,
  AuthorityStage.AUTHORITY_STAGE_SIGNS,
  AuthorityStage.AUTHORITY_STAGE_RETIRING,
];

export const fetchAuthorities = (cli: Cli): Command =>
  leafCommand('fetch', 'write the certificates of all authorities that are to be trusted into a file, for --ca-file')
    .requiredOption('--out <file>', 'is written anew')
    .action(({ out, ...options }: Options) =>
      cli.run(options, async ({ access, signal }) => {
        const { authorities } = await access.listAuthorities({}, { signal });
        const trusted = authorities.filter(({ stage }) => trustedStages.includes(stage));
        await writeFile(out, trusted.map(({ certificate }) => certificate).join(''));
        return {
          document: { file: out, authorities: trusted.map(({ sha256 }) => sha256) },
          text: `${trusted.length} in ${out}.`,
        };
      }),
    );
