// SPDX-License-Identifier: GPL-2.0-only
import { TimeSlices } from './time-slices';

/**
 * Of all agents' streams: what they read, are welcomed by and send has this share of a turn of the event loop together. A new
 * entry goes to ten thousand, and all of them answer; with one answer of the database a hundred are welcomed.
 */
export const streamTurns = new TimeSlices(20);
