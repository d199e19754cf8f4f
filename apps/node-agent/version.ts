// SPDX-License-Identifier: GPL-2.0-only

/** As in package.json (a test compares them), so that the bundle needs no file beside it. */
export const agentVersion = '0.1.0';
