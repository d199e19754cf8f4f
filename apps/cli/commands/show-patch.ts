// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import type { AllowedTypeChanges } from '@lockstep/contracts/generated';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { viewCommand, type Cli, type LeafOptions } from '../cli';
import { toDocument } from '../document';
import { fields, showTime } from '../table';
import { buildDocument, buildTable, caveatFields, proofFields } from '../views/build-view';

const allowedFields = (allowed: AllowedTypeChanges | undefined): (readonly [string, string])[] =>
  allowed === undefined ? [] : [['May change', `${allowed.types.join(', ')}: ${allowed.because}`]];

export const showPatch = (cli: Cli): Command =>
  viewCommand('show', 'show a patch, its diff and its builds')
    .argument('<patch>', 'name or id')
    .action((name: string, options: LeafOptions) =>
      cli.run(options, async ({ build, signal }) => {
        const { patch, diff, builds } = await build.getPatch({ patch: name }, { signal });
        if (patch === undefined) {
          throw new LockstepError('not-found', 'unknown-patch', `There is no patch ${name}.`, { patch: name });
        }
        const about = fields([
          ['Patch', patch.name],
          ['Id', patch.id],
          ['Author', patch.author],
          ['CVEs', patch.cves.join(' ')],
          ...(patch.combines.length > 0 ? [['Combines', patch.combines.join(' < ')] as const] : []),
          ...allowedFields(patch.allowedTypeChanges),
          ...caveatFields(builds),
          ...proofFields(builds),
          ...(patch.mayChangeBuild ? [['Build', 'may change what the build itself runs'] as const] : []),
          ...(patch.fuzz > 0 ? [['Fuzz', `${patch.fuzz} lines of each hunk's context may differ`] as const] : []),
          ['Submitted', showTime(patch.submittedAt)],
          ['Description', patch.description],
        ]);
        return {
          document: { patch: toDocument(patch), diff: toDocument(diff), builds: builds.map(buildDocument) },
          text: [about, buildTable(builds), Buffer.from(diff).toString('utf8').trimEnd()].join('\n\n'),
          names: [patch.name],
        };
      }),
    );
