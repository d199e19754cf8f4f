// SPDX-License-Identifier: GPL-2.0-only
import type { GetOrderRequest, GetOrderResponse } from '@lockstep/contracts/generated';
import { entryToWire, functionToWire, headToWire } from '@lockstep/contracts/wire';
import { sharedFunctions } from '@lockstep/domain/conflicts';
import { parseSeq } from '@lockstep/domain/livepatch-model';
import { stackAt, stackOwners } from '@lockstep/domain/load-order';
import type { Uses } from '../services';
import { chooseLog, type LogChooser } from './choose-log';

export async function getOrder(
  services: Uses<LogChooser | 'authority' | 'logHeads'>,
  request: GetOrderRequest,
): Promise<GetOrderResponse> {
  const log = await chooseLog(services, request);
  const entries = await services.db.loadOrders.entries(log);
  const stack = stackAt(entries, parseSeq(entries.length));
  return {
    cluster: log.cluster,
    signedHead: headToWire((await services.logHeads.headOf(log)).head),
    logPublicKey: services.authority.logSigner.publicKeyPem,
    kernelBuildId: log.kernelBuild,
    entries: entries.map(entryToWire),
    stack: stack.map(({ seq }) => seq),
    sharedFunctions: sharedFunctions(stackOwners(stack)).map((shared) => ({
      function: functionToWire(shared.function),
      owners: [...shared.owners],
    })),
  };
}
