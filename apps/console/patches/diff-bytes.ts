// SPDX-License-Identifier: GPL-2.0-only

const atOnce = 32_768;

/** Bytes as the API takes them. A diff may be megabytes, more than a function takes arguments. */
export function base64Of(bytes: Uint8Array): string {
  let text = '';
  for (let from = 0; from < bytes.length; from += atOnce) {
    text += String.fromCharCode(...bytes.subarray(from, from + atOnce));
  }
  return btoa(text);
}
