// SPDX-License-Identifier: GPL-2.0-only
import path from 'node:path';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

const libs = path.resolve(import.meta.dirname, '../../libs');

/** What the control plane's policy allows: files alone, nothing inline. */
export default defineConfig({
  root: import.meta.dirname,
  base: '/console/',
  plugins: [react()],
  resolve: { alias: [{ find: /^@lockstep\/(.*)$/, replacement: `${libs}/$1` }] },
  build: {
    // Chromium and Firefox of two years ago, Safari 17.
    target: ['chrome120', 'firefox121', 'safari17'],
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rolldownOptions: {
      output: {
        // What pages share comes with the first file: each of some thirty little ones waits for one of a browser's six connections.
        codeSplitting: { groups: [{ name: 'shared', minShareCount: 2, maxModuleSize: 16 * 1024 }] },
      },
    },
  },
});
