// SPDX-License-Identifier: GPL-2.0-only

/** For `.option(...)`. */
export const reproduceOption = [
  '--reproduce',
  'two workers build it, each all of it, and only what both have built byte for byte is signed',
] as const;
