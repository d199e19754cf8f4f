// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { filtersInAddress, nodeQuery, type NodeFilters } from './node-filters';

const none: NodeFilters = { cluster: '', status: '', connected: '', kernel: '', selector: '', cve: '' };

test('what is not asked for is not in the question', () => {
  expect(nodeQuery(none)).toEqual({});
  expect(filtersInAddress(none)).toBe('');
});

test('each filter asks for what it says', () => {
  const asked = {
    ...none,
    cluster: 'web',
    status: 'NODE_STATUS_FAILED',
    connected: 'no',
    selector: 'rack=a1',
    cve: 'CVE-2024-1',
  };
  expect(nodeQuery(asked)).toEqual({
    ...{ cluster: 'web', status: 'NODE_STATUS_FAILED', connected: false },
    ...{ selector: 'rack=a1', withoutCve: 'CVE-2024-1' },
  });
  expect(new URLSearchParams(filtersInAddress(asked)).get('selector')).toBe('rack=a1');
});

test('an address that somebody has made up asks for no status that there is not', () => {
  expect(nodeQuery({ ...none, status: 'NODE_STATUS_HAPPY', connected: 'maybe' })).toEqual({});
  expect(nodeQuery({ ...none, status: 'toString', connected: 'toString' })).toEqual({});
});
