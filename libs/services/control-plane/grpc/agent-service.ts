// SPDX-License-Identifier: GPL-2.0-only
import { AgentServiceService, type ConnectResponse } from '@lockstep/contracts/generated';
import { EncodedResponse } from '../agents/known-logs';

const { connect } = AgentServiceService;

/**
 * The agents' service, which sends what is encoded already as it is, and hands on what agents say as it came: most of it
 * repeats what was said before, and need not be read again (`sayingAgain`).
 */
export const agentService = {
  ...AgentServiceService,
  connect: {
    ...connect,
    requestDeserialize: (bytes: Buffer): Buffer => bytes,
    responseSerialize: (response: ConnectResponse | EncodedResponse): Buffer =>
      response instanceof EncodedResponse ? response.bytes : connect.responseSerialize(response),
  },
} as const;
