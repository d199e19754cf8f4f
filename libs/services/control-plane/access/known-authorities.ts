// SPDX-License-Identifier: GPL-2.0-only
import { ConnectResponse } from '@lockstep/contracts/generated';
import type { CertificateAuthority } from '@lockstep/io/certificates';
import type { AuthorityStore } from '@lockstep/io/database';
import type { Logger } from 'pino';
import type { AgentSessions } from '../agents/agent-sessions';
import { EncodedResponse } from '../agents/known-logs';
import type { KnownNodes } from '../agents/known-nodes';

/** A renewal takes some milliseconds, and its node comes again for it: as many come in a second as are let in. */
const renewalsPerSecond = 50;

export interface KnownAuthoritiesParts {
  readonly store: Pick<AuthorityStore, 'list'>;
  readonly authority: CertificateAuthority;
  readonly nodes: Pick<KnownNodes, 'size'>;
  readonly sessions: Pick<AgentSessions, 'wakeEverybody'>;
  readonly log: Pick<Logger, 'error' | 'warn'>;
  /** Other control planes are to know. */
  readonly announce: () => void;
}

/** Who certifies, as the database has it: taken in here, shown by the ports, and told to the nodes. */
export class KnownAuthorities {
  /** What a port shows, or whom it trusts, has changed. */
  onNews: () => void = () => undefined;
  private told: EncodedResponse | undefined;
  private followed = '';

  constructor(private readonly parts: KnownAuthoritiesParts) {
    this.told = this.tell();
  }

  /** What a node is told when its stream begins; the same object as long as there is nothing newer. */
  get toTell(): EncodedResponse | undefined {
    return this.told;
  }

  /** Something was decided here: it holds at once, here and with the others. */
  async changed(): Promise<void> {
    this.parts.announce();
    await this.readAgain();
  }

  /** As it is in the database now. What was decided elsewhere and cannot be done here is told, and leaves everything as it was. */
  async readAgain(): Promise<void> {
    const { store, authority, sessions, log } = this.parts;
    const successors = await store.list();
    if (JSON.stringify(successors) === this.followed) return;
    try {
      const isNews = await authority.follow(successors);
      this.followed = JSON.stringify(successors);
      if (!isNews) return;
    } catch (err) {
      log.error({ err }, 'cannot go along with the authority that signs now');
      return;
    }
    const { signs, trusted } = authority.succession;
    log.warn({ signs: signs.pinSha256, trusted: trusted.map(({ pinSha256 }) => pinSha256) }, 'authorities changed');
    this.told = this.tell();
    this.onNews();
    sessions.wakeEverybody();
  }

  /** Nothing where there was never more than one. */
  private tell(): EncodedResponse | undefined {
    const { authority, nodes } = this.parts;
    const { all, signs } = authority.succession;
    if (all.length === 1) return undefined;
    const renewWithinMs = Math.ceil((1000 * nodes.size) / renewalsPerSecond);
    const value = { certificates: authority.trustedPem, signs: signs.pinSha256, renewWithinMs };
    const response: ConnectResponse = { message: { $case: 'authorities', value } };
    return new EncodedResponse(Buffer.from(ConnectResponse.encode(response).finish()));
  }
}
