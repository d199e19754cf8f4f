// SPDX-License-Identifier: GPL-2.0-only
import { AuthorityStage, type Authority, type ListAuthoritiesResponse } from '@lockstep/contracts/generated';
import { counted } from '@lockstep/domain/visible-text';
import { enumWord, toDocument } from '../document';
import { showTime, table } from '../table';

const stageWord = (stage: AuthorityStage): string => enumWord(AuthorityStage, 'AUTHORITY_STAGE_', stage);

export const authorityDocument = ({ stage, ...rest }: Authority): unknown => ({
  ...(toDocument(rest) as object),
  stage: stageWord(stage),
});

/** As much of its key's digest as people compare. */
export const shortOf = (authority: Authority | undefined): string => authority?.sha256.slice(0, 16) ?? '';

const stages = ({ authorities }: ListAuthoritiesResponse): ReadonlySet<AuthorityStage> =>
  new Set(authorities.map(({ stage }) => stage));

/** What is to be typed next, and whom it waits for. */
function whatNext(all: ListAuthoritiesResponse): string[] {
  const { waitingNodes, waitsForNodes, waitsForTokens } = all;
  const isPrepared = stages(all).has(AuthorityStage.AUTHORITY_STAGE_PREPARED);
  const isRetiring = stages(all).has(AuthorityStage.AUTHORITY_STAGE_RETIRING);
  if (!isPrepared && !isRetiring) return [];
  const command = isPrepared ? 'lockstep ca activate' : 'lockstep ca retire';
  if (waitingNodes === 0 && waitsForTokens.length === 0) return [`Next: ${command}`];
  const why = isPrepared ? 'do not trust the successor yet' : 'have no certificate of its successor yet';
  const names =
    waitsForNodes.length === 0 ? '' : `: ${waitsForNodes.slice(0, 10).join(', ')}${waitingNodes > 10 ? ', …' : ''}`;
  return [
    ...(waitingNodes === 0 ? [] : [`${counted(waitingNodes, 'node')} ${why}${names}`]),
    ...(waitsForTokens.length === 0 ? [] : [`Client certificates of whoever retires: ${waitsForTokens.join(', ')}`]),
    `Then: ${command}`,
  ];
}

export const authoritiesText = (all: ListAuthoritiesResponse): string =>
  [
    table(
      ['AUTHORITY', 'STAGE', 'EXPIRES', 'TRUSTED BY', 'CERTIFIES'],
      all.authorities.map(({ sha256, stage, expiresAt, trustedBy, certifies }) => [
        sha256.slice(0, 16),
        stageWord(stage),
        showTime(expiresAt),
        `${trustedBy}/${all.nodes}`,
        `${certifies}/${all.nodes}`,
      ]),
      'no authorities',
    ),
    ...whatNext(all),
  ].join('\n');
