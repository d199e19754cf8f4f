// SPDX-License-Identifier: GPL-2.0-only
import type { StartRolloutRequest } from '@lockstep/contracts/generated';
import { subjectOf } from '@lockstep/domain/access';
import { LockstepError, parseSeq } from '@lockstep/domain/livepatch-model';
import { defaultRules, emergencyRules } from '@lockstep/domain/rollout-planner';
import type { CallContext } from '../grpc/call-route';
import type { Uses } from '../services';
import { askedCanaries } from './asked-canaries';
import { rulesOf, type AskedRollout } from './asked-rollout';
import { chooseLog, type LogChooser } from './choose-log';

export type AskedEmergency = Pick<StartRolloutRequest, 'cluster' | 'kernelBuildId' | 'toSeq' | 'rules'>;

/** Its waves and times are its own, and the first crash halts it. @throws LockstepError `invalid-input` `emergency-preset`. */
function insistPreset({ rules }: AskedEmergency): void {
  const set = [
    ...((rules?.waves ?? []).length > 0 ? ['--waves'] : []),
    ...((rules?.bakeSeconds ?? 0) > 0 ? ['--bake'] : []),
    ...((rules?.deadlineSeconds ?? 0) > 0 ? ['--deadline'] : []),
    ...((rules?.gates ?? []).length > 0 ? ['--gate'] : []),
    ...(rules?.goesOnAfterCrash === true ? ['--go-on-after-crash'] : []),
  ];
  if (set.length === 0) return;
  const message =
    `An emergency has waves of 5, 25, 50, 90 and 100 %, without bake time, and halts at the first host that does not survive: ` +
    `leave ${set.join(', ')} out.`;
  throw new LockstepError('invalid-input', 'emergency-preset', message, { set });
}

/** The emergency that a request means. @throws LockstepError as `chooseLog`, `emergency-preset`. */
export async function askedEmergency(
  services: Uses<LogChooser>,
  request: AskedEmergency,
  reason: string,
  { caller }: Pick<CallContext, 'caller'>,
): Promise<AskedRollout> {
  insistPreset(request);
  const log = await chooseLog(services, request);
  const { cluster, kernelBuild } = log;
  const toSeq = request.toSeq === 0 ? await services.db.loadOrders.head(log) : request.toSeq;
  const nodes = services.nodes.list(cluster).filter((node) => node.kernelBuild === kernelBuild).length;
  const rules = emergencyRules(nodes, rulesOf({ waveSize: 0, rules: request.rules }, defaultRules));
  const chosen = askedCanaries(services, log, { canaries: 0, rules: request.rules }, rules);
  // Of chosen ones no more than the first wave has.
  const canaries = Math.min(chosen.canaries, rules.canaries);
  const breakGlass = { by: subjectOf(caller.identity), reason };
  return { cluster, policy: { kernelBuild, toSeq: parseSeq(toSeq), ...rules, ...chosen, canaries, breakGlass } };
}
