// SPDX-License-Identifier: GPL-2.0-only

/** Largest message in either direction, the same on both sides: a diff, or a piece of a log; modules travel in chunks. */
export const maxMessageBytes = 16 * 1024 * 1024;
