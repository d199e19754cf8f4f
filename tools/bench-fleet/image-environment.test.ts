// SPDX-License-Identifier: GPL-2.0-only
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { allocatorSettingsIn, allocatorSettingsOf } from './image-environment';

test('the allocator is set as in the image of the build, and not at all where that does not say', () => {
  const text =
    'FROM node\nENV NODE_ENV=production MALLOC_TRIM_THRESHOLD_=1\n# ENV MALLOC_OTHER=2\nENV MALLOC_ARENA_MAX=3\n';
  expect(allocatorSettingsIn(text)).toEqual({ MALLOC_TRIM_THRESHOLD_: '1', MALLOC_ARENA_MAX: '3' });
  expect(allocatorSettingsIn('FROM node\n')).toEqual({});
  expect(allocatorSettingsOf(path.join(__dirname, 'nowhere/dist'))).toEqual({});
});

test('the image keeps memory in one arena, and gives large pieces pages of their own', () => {
  const settings = allocatorSettingsOf(path.resolve(__dirname, '../../dist'));
  expect(settings).toEqual({ MALLOC_ARENA_MAX: '1', MALLOC_MMAP_THRESHOLD_: '16384' });
});
