// SPDX-License-Identifier: GPL-2.0-only
export { startDevFleet, type DevFleet, type DevFleetOptions } from './dev-fleet';
export { eventually, type Patience } from './eventually';
export { exampleDiff, letters, type Letter } from './example-patches';
export { auditedLog, journalFaults, kernelFaults, orderDivergence } from './fleet-audit';
export { buildBundles, bundle, fleetKernelTree } from './fleet-kernel';
export type { FleetNode } from './fleet-node';
export { fleetProcess, type FleetProcess, type ProcessSpec } from './fleet-process';
export { createFleetServer, createFleetWorker, type FleetServer } from './fleet-server';
export { runLockstep, type CommandResult } from './lockstep-command';
export { patientOperator, type PatientOperator } from './patient-operator';
