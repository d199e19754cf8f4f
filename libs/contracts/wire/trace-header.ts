// SPDX-License-Identifier: GPL-2.0-only

/** Metadata that says in which trace a call is made (W3C Trace Context). */
export const traceHeader = 'traceparent';
