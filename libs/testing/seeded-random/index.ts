// SPDX-License-Identifier: GPL-2.0-only
export { seededRandom, type SeededRandom } from './seeded-random';
