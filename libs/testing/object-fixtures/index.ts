// SPDX-License-Identifier: GPL-2.0-only
export { compileC, compilePair, fixtureTables, type CompiledPair } from './compile-c';
