// SPDX-License-Identifier: GPL-2.0-only
import { counted } from '@lockstep/domain/visible-text';

const numbers = new Intl.NumberFormat('en');

export const numberWords = (count: number): string => numbers.format(count);

/** `1 node`, `10,000 nodes`. */
export const countWords = (count: number, one: string, many?: string): string => counted(count, one, many, numberWords);
