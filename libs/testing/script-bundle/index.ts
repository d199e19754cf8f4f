// SPDX-License-Identifier: GPL-2.0-only
export { bundleScript, type ScriptBundle } from './script-bundle';
