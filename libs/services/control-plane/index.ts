// SPDX-License-Identifier: GPL-2.0-only
export { readControlPlaneConfig, type ControlPlaneConfig, type WrittenConfig } from './config';
export { createControlPlane, type ControlPlane, type ControlPlaneOverrides } from './control-plane';
export type { Endpoint } from './endpoint-file';
export { initialise, type Initialised } from './initialise';
