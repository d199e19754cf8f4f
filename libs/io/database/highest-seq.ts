// SPDX-License-Identifier: GPL-2.0-only

/** Of PostgreSQL's integer, which records and events are numbered with: whoever asks may name any number. */
export const highestSeq = 2 ** 31 - 1;
