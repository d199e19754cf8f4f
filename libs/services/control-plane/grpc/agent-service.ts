// SPDX-License-Identifier: GPL-2.0-only
import { AgentServiceService, type ConnectResponse } from '@lockstep/contracts/generated';
import { EncodedResponse } from '../agents/known-logs';

const { connect } = AgentServiceService;

/** The agents' service, which sends what is encoded already as it is. */
export const agentService = {
  ...AgentServiceService,
  connect: {
    ...connect,
    responseSerialize: (response: ConnectResponse | EncodedResponse): Buffer =>
      response instanceof EncodedResponse ? response.bytes : connect.responseSerialize(response),
  },
} as const;
