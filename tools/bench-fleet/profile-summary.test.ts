// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { hottestFunctions, type CpuProfile } from './profile-summary';

const at = (functionName: string, url: string, lineNumber = 0) => ({ functionName, url, lineNumber });

const profile: CpuProfile = {
  nodes: [
    { id: 1, callFrame: at('(idle)', '') },
    { id: 2, callFrame: at('encode', 'file:///app/node_modules/@scope/codec/node_modules/deep/lib/index.js', 4) },
    { id: 3, callFrame: at('', '/app/dist/control-plane.js', 9) },
    { id: 4, callFrame: at('encode', 'file:///app/node_modules/@scope/codec/node_modules/deep/lib/index.js', 4) },
  ],
  samples: [1, 2, 3, 2, 4],
  timeDeltas: [9_000, 1_000, 3_000, 500, 2_500],
};

test('tells by function what it computed itself, whoever called it, and nothing of idling', () => {
  expect(hottestFunctions(profile, 10)).toEqual([
    { name: 'encode', place: 'deep', selfMs: 4 },
    { name: 'line 10', place: 'control-plane.js', selfMs: 3 },
  ]);
});

test('tells the hottest of them', () => {
  expect(hottestFunctions(profile, 1).map(({ name }) => name)).toEqual(['encode']);
});
