// SPDX-License-Identifier: GPL-2.0-only
import { X509Certificate } from 'node:crypto';
import { connect as tlsConnect, type DetailedPeerCertificate } from 'node:tls';
import { isIP } from 'node:net';
import { Metadata } from '@grpc/grpc-js';
import { EnrolmentServiceService, type EnrolResponse } from '@lockstep/contracts/generated';
import { parseJoinToken } from '@lockstep/contracts/wire';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { certificatePin } from '@lockstep/platform/runtime';
import { parseAddress } from './address';
import { defaultDeadlineMs } from './channel-options';
import { cancelledError } from './pause';
import { createServiceClient } from './service-client';
import { createTlsClient } from './tls-client';

export interface EnrolmentCall {
  /** host:port of the agents' port, or of the operators'. */
  readonly address: string;
  /** `lsjoin1.<secret>.<pin>` */
  readonly joinToken: string;
  /** PKCS#10, PEM. */
  readonly certificateRequest: string;
  /** What this machine is called: its node's name, where the token is for many. */
  readonly machine?: string;
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
}

function chainOf(leaf: DetailedPeerCertificate): X509Certificate[] {
  const chain = new Map<string, X509Certificate>();
  // A server without certificate gives {}, an incomplete chain ends without issuer, a complete one in a loop.
  let current: Partial<DetailedPeerCertificate> | undefined = leaf;
  while (current?.raw !== undefined && current.fingerprint256 !== undefined && !chain.has(current.fingerprint256)) {
    chain.set(current.fingerprint256, new X509Certificate(current.raw));
    current = current.issuerCertificate;
  }
  return [...chain.values()];
}

function presentedChain(address: string, timeoutMs: number, signal?: AbortSignal): Promise<X509Certificate[]> {
  const { host, port } = parseAddress(address);
  return new Promise((resolve, reject) => {
    // Whoever goes on trying has one signal for all tries.
    const settle = (finish: () => void): void => {
      signal?.removeEventListener('abort', onAbort);
      socket.destroy();
      finish();
    };
    const fail = (error: Error): void => {
      const message = `No TLS server answers at ${address}: ${error.message}. Check the address and that the control plane runs.`;
      settle(() => {
        reject(new LockstepError('unavailable', 'server-unreachable', message, { address }, { cause: error }));
      });
    };
    const onAbort = (): void => {
      settle(() => {
        reject(cancelledError(signal?.reason));
      });
    };
    // Nothing is sent on this connection and nothing of it is believed but what matches the pin.
    const socket = tlsConnect(
      {
        host,
        port,
        rejectUnauthorized: false,
        ALPNProtocols: ['h2'],
        ...(isIP(host) === 0 ? { servername: host } : {}),
      },
      () => {
        const chain = chainOf(socket.getPeerCertificate(true));
        settle(() => {
          resolve(chain);
        });
      },
    );
    socket.setTimeout(timeoutMs, () => {
      fail(new Error(`no answer within ${timeoutMs} ms`));
    });
    socket.on('error', fail);
    signal?.addEventListener('abort', onAbort, { once: true });
    if (signal?.aborted === true) onAbort();
  });
}

/**
 * The CA certificate (PEM) that the server at `address` presents and the pin vouches for.
 * @throws LockstepError `unavailable`, or `forbidden` `wrong-ca` when none of its chain matches the pin.
 */
async function fetchPinnedCa(
  address: string,
  pin: string,
  { deadlineMs = defaultDeadlineMs, signal }: EnrolmentCall,
): Promise<string> {
  const chain = await presentedChain(address, deadlineMs, signal);
  const ca = chain.find((certificate) => certificate.ca && certificatePin(certificate.raw) === pin);
  if (ca !== undefined) return ca.toString();
  throw new LockstepError(
    'forbidden',
    'wrong-ca',
    `The server at ${address} does not present the CA that the join token names: it is another control plane, someone stands ` +
      'between, or that CA was retired since the token was made (`lockstep ca ls`): then make another token. Nothing was sent to it.',
    { address, expectedPin: pin, presentedPins: chain.map(({ raw }) => certificatePin(raw)) },
  );
}

/**
 * Enrols with a one-time token. The secret is sent only over a connection verified against the CA that the token pins.
 * @throws LockstepError `invalid-input`, `forbidden`, `unavailable`, or what the server answers.
 */
export async function enrol(call: EnrolmentCall): Promise<EnrolResponse> {
  const { address, joinToken, certificateRequest, machine = '' } = call;
  const { caPinSha256 } = parseJoinToken(joinToken);
  const ca = await fetchPinnedCa(address, caPinSha256, call);
  const client = createTlsClient(address, { ca });
  try {
    const service = createServiceClient(client, EnrolmentServiceService, () => new Metadata(), {
      // The agent asks again by itself: one token, one key, one certificate.
      enrol: { repeat: 'never', answer: 'whole' },
    });
    const response = await service.enrol({ joinToken, certificateRequest, node: machine }, call);
    if (certificatePin(response.caCertificate) === caPinSha256) return response;
    throw new LockstepError('forbidden', 'wrong-ca', 'The enrolment names a CA other than the pinned one.', {
      address,
    });
  } finally {
    client.close();
  }
}
