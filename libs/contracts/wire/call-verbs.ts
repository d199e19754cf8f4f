// SPDX-License-Identifier: GPL-2.0-only
import {
  AccessServiceService,
  AgentServiceService,
  AuditServiceService,
  BuildServiceService,
  CampaignServiceService,
  EnrolmentServiceService,
  FleetServiceService,
} from '@lockstep/contracts/generated';
import { HealthService } from '@lockstep/contracts/generated/health';
import type { Verb } from '@lockstep/domain/access';
import { operatorCalls } from './operator-calls';

/** What machines call. */
const machineCalls: Readonly<Record<keyof typeof AgentServiceService | keyof typeof EnrolmentServiceService, Verb>> = {
  enrol: 'join',
  connect: 'follow',
  downloadArtifact: 'follow',
  renewCertificate: 'renew',
};

type Methods = Readonly<Record<string, { readonly path: string }>>;

const pathsOf = (definition: Methods, verbOf: (name: string) => Verb): [string, Verb][] =>
  Object.entries(definition).map(([name, { path }]) => [path, verbOf(name)]);

const verbOfOperatorCall = (name: string): Verb => operatorCalls[name as keyof typeof operatorCalls].verb;
const verbOfMachineCall = (name: string): Verb => machineCalls[name as keyof typeof machineCalls];

/** What every call of both ports does, by its path (`/lockstep.v1.FleetService/GetOrder`). One that is not here is let in by nobody. */
export const callVerbs: ReadonlyMap<string, Verb> = new Map([
  ...pathsOf(FleetServiceService, verbOfOperatorCall),
  ...pathsOf(BuildServiceService, verbOfOperatorCall),
  ...pathsOf(AccessServiceService, verbOfOperatorCall),
  ...pathsOf(AuditServiceService, verbOfOperatorCall),
  ...pathsOf(CampaignServiceService, verbOfOperatorCall),
  ...pathsOf(AgentServiceService, verbOfMachineCall),
  ...pathsOf(EnrolmentServiceService, verbOfMachineCall),
  ...pathsOf(HealthService, () => 'probe'),
]);
