// SPDX-License-Identifier: GPL-2.0-only
import { X509Certificate } from 'node:crypto';
import type {
  ActivateAuthorityRequest,
  ActivateAuthorityResponse,
  Authority as WireAuthority,
  ListAuthoritiesRequest,
  ListAuthoritiesResponse,
  PrepareAuthorityRequest,
  PrepareAuthorityResponse,
  RetireAuthorityRequest,
  RetireAuthorityResponse,
} from '@lockstep/contracts/generated';
import { authorityStageToWire } from '@lockstep/contracts/wire';
import {
  installation,
  may,
  notCertifiedBy,
  notTrusting,
  type Authority,
  type AuthorityStage,
  type Successor,
  type TrustingNode,
} from '@lockstep/domain/access';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import type { KeptCall } from '@lockstep/io/database';
import type { CallContext } from '../grpc/call-route';
import type { KeepingContext } from '../grpc/kept-answer';
import type { Uses } from '../services';

const mostNames = 100;

type Needs = Uses<'authority' | 'nodes' | 'tokens' | 'db.authorities'>;

const membersOf = ({ nodes }: Uses<'nodes'>): TrustingNode[] =>
  nodes.list().flatMap(({ name, revokedAt, report }) => (revokedAt === null ? [{ name, trust: report?.trust }] : []));

/** Client certificates are of whoever signed when they were made; nothing changes them afterwards. */
async function tokensOfBefore({ tokens, db, authority }: Needs): Promise<string[]> {
  const since = await db.authorities.tookOverAt(authority.succession.signs.pinSha256);
  if (since === null) return [];
  const good = tokens.list({ all: false, sessions: false });
  return good.flatMap(({ certificate, createdAt, name }) => (certificate && createdAt < since ? [name] : []));
}

function toWire(members: readonly TrustingNode[], authority: Authority, stage: AuthorityStage): WireAuthority {
  return {
    sha256: authority.pinSha256,
    certificate: authority.certificatePem,
    stage: authorityStageToWire(stage),
    expiresAt: new Date(new X509Certificate(authority.certificatePem).validTo),
    trustedBy: members.length - notTrusting(members, authority).length,
    certifies: members.length - notCertifiedBy(members, authority).length,
  };
}

/** Whom the next step waits for: of one that is prepared who does not trust it, of one that retires who has no other's certificate. */
const waitedFor = ({ authority }: Needs, members: readonly TrustingNode[]): TrustingNode[] => {
  const { prepared, retiring, signs } = authority.succession;
  if (prepared !== undefined) return notTrusting(members, prepared);
  return retiring === undefined ? [] : notCertifiedBy(members, signs);
};

export async function listAuthorities(
  parts: Needs,
  _: ListAuthoritiesRequest,
  { caller }: CallContext,
): Promise<ListAuthoritiesResponse> {
  const members = membersOf(parts);
  const { all, prepared, retiring } = parts.authority.succession;
  const waiting = waitedFor(parts, members);
  const mayKnow = may(caller.identity, 'look', installation);
  return {
    authorities: all.map((each) => toWire(members, each, each.stage)),
    nodes: members.length,
    waitsForNodes: waiting.slice(0, mayKnow ? mostNames : 0).map(({ name }) => name),
    waitingNodes: waiting.length,
    waitsForTokens: mayKnow && prepared === undefined && retiring !== undefined ? await tokensOfBefore(parts) : [],
  };
}

const named = (nodes: readonly TrustingNode[]): string =>
  nodes.length > 5
    ? `${nodes
        .slice(0, 5)
        .map(({ name }) => name)
        .join(', ')} and ${nodes.length - 5} more`
    : nodes.map(({ name }) => name).join(', ');

/** Answers with it as it is from now on. */
const answerOf =
  (parts: Needs, stage: AuthorityStage) =>
  (authority: Successor): { authority: WireAuthority } => ({ authority: toWire(membersOf(parts), authority, stage) });

type Changing = Needs & Uses<'authorities' | 'log'>;

async function changing(
  { authorities, log }: Changing,
  what: string,
  { caller }: CallContext,
  change: Promise<Successor>,
): Promise<Successor> {
  const changed = await change.finally(() => authorities.changed());
  log.warn({ authority: changed.pinSha256, by: caller.identity.kind }, what);
  return changed;
}

/** @throws LockstepError `refused` `successor-prepared`. */
export async function prepareAuthority(
  parts: Changing,
  _: PrepareAuthorityRequest,
  context: KeepingContext<PrepareAuthorityResponse>,
): Promise<PrepareAuthorityResponse> {
  const answer = answerOf(parts, 'prepared');
  const { authority, db } = parts;
  const successor = await authority.makeSuccessor();
  const call: KeptCall<Successor> | undefined = context.kept(answer);
  return answer(await changing(parts, 'a successor was prepared', context, db.authorities.prepare(successor, call)));
}

function insistIs(given: string, known: Authority | undefined, what: string): void {
  if (known?.pinSha256 === given) return;
  const message =
    known === undefined
      ? `No authority ${what} now: lockstep ca ls tells how it stands.`
      : `It is ${known.pinSha256} that ${what} now, and not ${given}.`;
  throw new LockstepError('refused', 'other-authority', message, { sha256: given });
}

/** @throws LockstepError `refused` `other-authority`, `not-trusted-yet`. */
export async function activateAuthority(
  parts: Changing,
  { sha256, withoutWaiting }: ActivateAuthorityRequest,
  context: KeepingContext<ActivateAuthorityResponse>,
): Promise<ActivateAuthorityResponse> {
  const { authority, db } = parts;
  const { prepared } = authority.succession;
  insistIs(sha256, prepared, 'is prepared');
  const strangers = prepared === undefined ? [] : notTrusting(membersOf(parts), prepared);
  if (strangers.length > 0 && !withoutWaiting) {
    const message =
      `${named(strangers)} ${strangers.length === 1 ? 'does' : 'do'} not trust the successor yet: wait until connected, or revoke ` +
      'what is gone. Without waiting (--without-waiting) they trust it by the word of the one before, until that one is retired.';
    throw new LockstepError('refused', 'not-trusted-yet', message, {
      nodes: strangers.slice(0, mostNames).map(({ name }) => name),
    });
  }
  const answer = answerOf(parts, 'signs');
  const taking = db.authorities.takeOver(sha256, new Date(), context.kept(answer));
  return answer(await changing(parts, 'the successor signs from now on', context, taking));
}

/** Names what retires: whoever is retired already is not there to be retired again. @throws LockstepError `refused` `other-authority`, `still-needed`. */
export async function retireAuthority(
  parts: Changing,
  { sha256, withoutWaiting }: RetireAuthorityRequest,
  context: KeepingContext<RetireAuthorityResponse>,
): Promise<RetireAuthorityResponse> {
  const { authority, db } = parts;
  const { retiring, signs } = authority.succession;
  insistIs(sha256, retiring, 'retires');
  const nodes = notCertifiedBy(membersOf(parts), signs);
  const tokens = await tokensOfBefore(parts);
  if (nodes.length + tokens.length > 0 && !withoutWaiting) {
    const whose = [
      ...(nodes.length > 0 ? [`nodes ${named(nodes)}`] : []),
      ...(tokens.length > 0 ? [`tokens ${tokens.join(', ')}`] : []),
    ];
    const message =
      `There are certificates of it still, of ${whose.join(' and ')}: nodes renew theirs when they are connected; for tokens make others. ` +
      'Without waiting (--without-waiting) those nodes must join again.';
    throw new LockstepError('refused', 'still-needed', message, {
      nodes: nodes.slice(0, mostNames).map(({ name }) => name),
      tokens,
    });
  }
  const answer = answerOf(parts, 'signs');
  const retire = db.authorities.retireBefore(signs.pinSha256, new Date(), context.kept(answer));
  return answer(await changing(parts, 'the authority before was retired', context, retire));
}
