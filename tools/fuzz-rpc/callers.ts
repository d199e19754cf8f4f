// SPDX-License-Identifier: GPL-2.0-only
import { createHash } from 'node:crypto';
import { Client, credentials, Metadata } from '@grpc/grpc-js';
import { CreateClusterRequest, CreateTokenRequest, OwnerKind, Role } from '@lockstep/contracts/generated';
import { createCertificateRequest } from '@lockstep/io/certificates';
import { enrol } from '@lockstep/io/rpc-client';
import type { ProbedControlPlane } from '@lockstep/testing/heap-soak';

/** Somebody at one of the ports. */
export interface FuzzCaller {
  readonly name: string;
  readonly client: Client;
  readonly metadata: () => Metadata;
}

const bearing = (token: string | undefined) => (): Metadata => {
  const metadata = new Metadata();
  if (token !== undefined) metadata.set('authorization', `Bearer ${token}`);
  return metadata;
};

/** Nobody, a viewer and an admin at the operators' port; nobody and a node at the agents'. */
export async function openCallers(plane: ProbedControlPlane): Promise<FuzzCaller[]> {
  const operator = plane.operator();
  await operator.fleet.createCluster(CreateClusterRequest.fromPartial({ name: 'web' }));
  const secret = `lockstep_fuzz_${'v'.repeat(32)}`;
  const request = CreateTokenRequest.fromPartial({
    ...{ name: 'fuzz-viewer', owner: 'fuzz', ownerKind: OwnerKind.OWNER_KIND_SERVICE, roles: [Role.ROLE_VIEWER] },
    ...{ scope: { everywhere: true }, secretSha256: createHash('sha256').update(secret).digest('hex') },
  });
  await operator.access.createToken(request);
  const asked = { cluster: 'web', node: 'web-1', ttlSeconds: 0, allow: '', count: 0 };
  const { joinToken } = await operator.fleet.createJoinToken(asked);
  operator.close();
  const { privateKeyPem, requestPem } = await createCertificateRequest();
  const { certificate } = await enrol({ address: plane.agentAddress, joinToken, certificateRequest: requestPem });
  const ca = Buffer.from(plane.ca);
  const atOperators = () => new Client(plane.operatorAddress, credentials.createSsl(ca));
  const asNode = credentials.createSsl(ca, Buffer.from(privateKeyPem), Buffer.from(certificate));
  return [
    { name: 'nobody at the operators’ port', client: atOperators(), metadata: bearing(undefined) },
    { name: 'viewer', client: atOperators(), metadata: bearing(secret) },
    { name: 'admin', client: atOperators(), metadata: bearing(plane.adminToken) },
    {
      name: 'nobody at the agents’ port',
      client: new Client(plane.agentAddress, credentials.createSsl(ca)),
      metadata: bearing(undefined),
    },
    { name: 'node', client: new Client(plane.agentAddress, asNode), metadata: bearing(undefined) },
  ];
}
