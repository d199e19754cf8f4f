// SPDX-License-Identifier: GPL-2.0-only
import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { AuthorityStage, type Authority, type ListAuthoritiesResponse } from '@lockstep/contracts/generated';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { leafCommand, viewCommand, type Cli, type LeafOptions } from '../cli';
import { authoritiesText, authorityDocument } from '../views/authority-view';

interface StepOptions extends LeafOptions {
  readonly withoutWaiting?: boolean;
}

interface FetchOptions extends LeafOptions {
  readonly out: string;
}

const documentOf = (all: ListAuthoritiesResponse): unknown => ({
  ...all,
  authorities: all.authorities.map(authorityDocument),
});

const shortOf = (authority: Authority | undefined): string => authority?.sha256.slice(0, 16) ?? '';

export const listAuthorities = (cli: Cli): Command =>
  viewCommand(
    'ls',
    'list the authorities that certify nodes and control planes, and what the next step waits for',
  ).action((options: LeafOptions) =>
    cli.run(options, async ({ access, signal }) => {
      const all = await access.listAuthorities({}, { signal });
      return { document: documentOf(all), text: authoritiesText(all) };
    }),
  );

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

/** The one that stands there now. @throws LockstepError `refused` `no-such-stage`. */
async function atStage(
  ask: Promise<ListAuthoritiesResponse>,
  stage: AuthorityStage,
  otherwise: string,
): Promise<string> {
  const found = (await ask).authorities.find((each) => each.stage === stage);
  if (found !== undefined) return found.sha256;
  throw new LockstepError('refused', 'no-such-stage', otherwise);
}

export const activateAuthority = (cli: Cli): Command =>
  leafCommand('activate', 'have the successor sign from now on: nodes get certificates of it')
    .option('--without-waiting', 'also where nodes do not trust it yet')
    .action(({ withoutWaiting = false, ...options }: StepOptions) =>
      cli.run(options, async ({ access, signal }) => {
        const sha256 = await atStage(
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

export const retireAuthority = (cli: Cli): Command =>
  leafCommand('retire', 'trust the authority that signed before no more')
    .option('--without-waiting', 'also where nodes have certificates of it alone: they must join again')
    .action(({ withoutWaiting = false, ...options }: StepOptions) =>
      cli.run(options, async ({ access, signal }) => {
        const sha256 = await atStage(
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

const trustedStages: readonly AuthorityStage[] = [
  AuthorityStage.AUTHORITY_STAGE_PREPARED,
  AuthorityStage.AUTHORITY_STAGE_SIGNS,
  AuthorityStage.AUTHORITY_STAGE_RETIRING,
];

export const fetchAuthorities = (cli: Cli): Command =>
  leafCommand('fetch', 'write the certificates of all authorities that are to be trusted into a file, for --ca-file')
    .requiredOption('--out <file>', 'is written anew')
    .action(({ out, ...options }: FetchOptions) =>
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
