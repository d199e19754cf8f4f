// SPDX-License-Identifier: GPL-2.0-only
import { Metadata } from '@grpc/grpc-js';
import {
  AccessServiceService,
  AuditServiceService,
  BuildServiceService,
  CampaignServiceService,
  FleetServiceService,
} from '@lockstep/contracts/generated';
import { becauseHeader, operatorCalls } from '@lockstep/contracts/wire';
import { createServiceClient, type ServiceClient } from './service-client';
import { createTlsClient } from './tls-client';

export interface OperatorConnection {
  /** host:port of the operator port. */
  readonly address: string;
  /** The CA's certificate, PEM: the only one trusted. */
  readonly ca: string | Uint8Array;
  /** An access token, as in the state directory's `operator.token`; undefined: the certificate is all the proof. */
  readonly token?: string | undefined;
  /** PEM: a client certificate and its key, in any order. */
  readonly clientCertificate?: string | undefined;
  /** Why, in the caller's own words: it is written down with what is done. */
  readonly because?: string | undefined;
}

export interface OperatorClient {
  readonly fleet: ServiceClient<typeof FleetServiceService, typeof operatorCalls>;
  readonly build: ServiceClient<typeof BuildServiceService, typeof operatorCalls>;
  readonly access: ServiceClient<typeof AccessServiceService, typeof operatorCalls>;
  readonly audit: ServiceClient<typeof AuditServiceService, typeof operatorCalls>;
  readonly campaigns: ServiceClient<typeof CampaignServiceService, typeof operatorCalls>;
  close(): void;
}

/** What the CLI speaks. Connects lazily; the first call meets a wrong address or certificate. */
export function connectOperator({
  address,
  ca,
  token,
  clientCertificate: pem,
  because,
}: OperatorConnection): OperatorClient {
  const client = createTlsClient(address, { ca, ...(pem !== undefined && { key: pem, certificate: pem }) });
  const makeMetadata = (): Metadata => {
    const metadata = new Metadata();
    if (token !== undefined) metadata.set('authorization', `Bearer ${token.trim()}`);
    if (because !== undefined) metadata.set(becauseHeader, Buffer.from(because));
    return metadata;
  };
  return {
    fleet: createServiceClient(client, FleetServiceService, makeMetadata, operatorCalls, {
      watchEvents: (request, { seq }) => ({ ...request, afterSeq: seq }),
    }),
    build: createServiceClient(client, BuildServiceService, makeMetadata, operatorCalls, {
      watchBuild: (request, { nextLine }) => ({ ...request, fromLine: nextLine }),
    }),
    access: createServiceClient(client, AccessServiceService, makeMetadata, operatorCalls),
    audit: createServiceClient(client, AuditServiceService, makeMetadata, operatorCalls, {
      readAudit: (request, { records }) => ({ ...request, last: 0, afterSeq: records.at(-1)?.seq ?? request.afterSeq }),
    }),
    campaigns: createServiceClient(client, CampaignServiceService, makeMetadata, operatorCalls),
    close: () => {
      client.close();
    },
  };
}
