// SPDX-License-Identifier: GPL-2.0-only
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { bundleWeight } from './bundle-weight';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'lockstep-bundle-weight-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

test('a console weighs what its code and looks do, wherever they lie in it, each file compressed by itself', () => {
  mkdirSync(path.join(folder, 'assets'));
  writeFileSync(path.join(folder, 'index.html'), 'a'.repeat(10_000));
  writeFileSync(path.join(folder, 'assets/main.js'), 'b'.repeat(20_000));
  writeFileSync(path.join(folder, 'assets/main.css'), 'c'.repeat(30_000));
  writeFileSync(path.join(folder, 'assets/font.woff2'), 'd'.repeat(40_000));
  const { files, bytes, gzipBytes } = bundleWeight(folder);
  expect([files, bytes]).toEqual([3, 60_000]);
  expect(gzipBytes).toBeGreaterThan(3 * 20);
  expect(gzipBytes).toBeLessThan(600);
});

test('where nothing was built nothing is weighed', () => {
  expect(() => bundleWeight(folder)).toThrow('holds no built console');
});
