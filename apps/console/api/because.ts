// SPDX-License-Identifier: GPL-2.0-only

/** Why somebody does something, for the audit: of a call that has no place of its own for it. */
export function because(reason: string): { readonly headers?: Record<string, string> } {
  // Header values are Latin-1: what is not goes as its UTF-8 bytes, which the control plane reads again.
  const bytes = Array.from(new TextEncoder().encode(reason), (byte) => String.fromCharCode(byte)).join('');
  return reason === '' ? {} : { headers: { 'lockstep-because': bytes } };
}
