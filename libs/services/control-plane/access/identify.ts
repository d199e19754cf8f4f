// SPDX-License-Identifier: GPL-2.0-only
import { AgentServiceService, EnrolmentServiceService } from '@lockstep/contracts/generated';
import { HealthService } from '@lockstep/contracts/generated/health';
import type { Identity } from '@lockstep/domain/access';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { certificateExpired, identifyPeer } from '../agents/peer-identity';
import type { TurnedAway } from '../agents/turned-away';
import type { Identify } from '../grpc/callers';
import type { Uses } from '../services';

const stranger: Identity = { kind: 'stranger' };

/** Whoever makes these is a stranger, whatever else it shows: a join token is in the call, and health is nobody's secret. */
const ofStrangers: ReadonlySet<string> = new Set([
  EnrolmentServiceService.enrol.path,
  HealthService.check.path,
  HealthService.watch.path,
]);

const bearer = /^Bearer +(\S{1,200})$/;

/** The operators' port: by an access token, or else by a client certificate. Who wants to become a node has a join token, and nothing else yet. */
export const identifyOperator =
  ({ tokens }: Uses<'tokens'>): Identify =>
  ({ path, metadata, peer }) => {
    if (ofStrangers.has(path)) return stranger;
    const [given] = metadata.get('authorization');
    const secret = typeof given === 'string' ? bearer.exec(given)?.[1] : undefined;
    if (secret !== undefined) return tokens.identify(secret);
    if (peer.certificate !== undefined) return tokens.identifyCertificate(peer.certificate);
    const message =
      'This needs an access token or a client certificate: --token-file (LOCKSTEP_TOKEN_FILE) or --cert-file (LOCKSTEP_CERT_FILE) names its file.';
    throw new LockstepError('unauthenticated', 'token-missing', message);
  };

/** The agents' port: by the node's certificate; who wants to become a node again may show the one of before. */
export const identifyAgent =
  ({ nodes }: Uses<'nodes'>, turnedAway: TurnedAway): Identify =>
  ({ path, peer }) => {
    if (ofStrangers.has(path)) return stranger;
    try {
      const identity = identifyPeer(nodes, peer, Date.now());
      if (identity.certificate === 'good' || path === AgentServiceService.renewCertificate.path) return identity;
      throw certificateExpired(peer.certificate, Date.now());
    } catch (error) {
      throw turnedAway.tell(error, peer.certificate);
    }
  };
