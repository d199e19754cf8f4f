// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { parseNodeName } from '@lockstep/domain/livepatch-model';
import { insistAllRead, type EntryReader } from './entry-readers';
import type { EntryBody } from './log-entry';
import { load } from './test-log';

const member = (name: string, entryVersions: readonly number[], agentVersion = '0.1.0'): EntryReader => ({
  name: parseNodeName(name),
  agentVersion,
  entryVersions,
});
const first: EntryBody = load('fix', 'a');
const second: EntryBody = { ...load('fix', 'a'), stableMs: 60_000 } as EntryBody;

test('an entry that somebody could not read is refused, naming all of them', () => {
  const members = [member('n1', [1]), member('n2', [1, 2]), member('n3', [], '')];
  expect(() => {
    insistAllRead(second, members);
  }).toThrow(
    expect.objectContaining({
      reason: 'members-cannot-read',
      fields: { version: 2, nodes: ['n1', 'n3'] },
      message: expect.stringMatching(/agents of n1 \(agent 0\.1\.0\), n3 \(agent unknown\)/) as unknown,
    }),
  );
});

test('what everybody reads goes through; an agent from before versions were told reads the first', () => {
  insistAllRead(first, [member('n1', [1]), member('n2', [])]);
  insistAllRead(second, [member('n2', [1, 2])]);
  insistAllRead(second, []);
});
