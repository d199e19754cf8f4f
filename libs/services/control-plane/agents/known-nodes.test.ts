// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { NodeReport } from '@lockstep/contracts/generated';
import { noLabels, parseLabels, showLabels } from '@lockstep/domain/labels';
import { parseClusterName, parseKernelBuildId, parseNodeName, type NodeName } from '@lockstep/domain/livepatch-model';
import { isDatabaseAway, type NodeRecord, type NodeStore, type NodeWord } from '@lockstep/io/database';
import { pino } from 'pino';
import { KnownNodes } from './known-nodes';

const names = ['n1', 'n2', 'n3'].map(parseNodeName);
const [n1, n2] = names as [NodeName, NodeName];
const about = {
  ...{ kernelBuild: parseKernelBuildId('ab'.repeat(20)), kernelRelease: '6.1', bootId: 'b1', agentVersion: '1' },
  ...{ patchedCore: true, entryVersions: [1], certificateEndsAt: new Date('2027-01-01') },
};
const hello = { ...about, reportedLabels: parseLabels('rack=a1') };
const at = (position: number): NodeReport => NodeReport.fromPartial({ position, target: position, bootId: 'b1' });
const away = Object.assign(new Error('timeout exceeded when trying to connect'), { code: 'P2024' });

/** As a database keeps rows: each version has a later revision. */
class Rows extends Map<NodeName, NodeRecord> {
  private revision = 0;

  override set(name: NodeName, row: NodeRecord): this {
    this.revision += 1;
    return super.set(name, { ...row, revision: this.revision });
  }
}

/** Rows with the database's fence, which notes what is written together; `failures` come first, in turn. */
function rows() {
  const table = new Rows();
  for (const name of names) {
    table.set(name, {
      ...{ ...about, labels: { reported: noLabels, assigned: noLabels }, labelsRevision: 0 },
      ...{ name, cluster: parseClusterName('web'), certificateFingerprint: 'f', bootId: '' },
      ...{ sessionEpoch: 0, report: null, lastSeenAt: null, revokedAt: null, replica: null, revision: 0 },
    });
  }
  const written: string[] = [];
  const failures: Error[] = [];
  const failsFor: string[] = [];
  const store: NodeStore = {
    list: async () => [...table.values()],
    find: async (name) => table.get(name) ?? null,
    require: async (name) => table.get(name)!,
    introduce: async ({ name }, said, replica) => {
      const node = table.get(name)!;
      const isSameLife = node.kernelBuild === said.kernelBuild && node.bootId === said.bootId;
      const { reportedLabels, ...rest } = said;
      const labels = { ...node.labels, reported: reportedLabels };
      table.set(name, {
        ...node,
        ...rest,
        labels,
        replica,
        sessionEpoch: node.sessionEpoch + 1,
        lastSeenAt: new Date(),
        report: isSameLife ? node.report : null,
      });
      return { ...table.get(name)!, revisionBefore: node.revision };
    },
    keep: async (words: readonly NodeWord[]) => {
      const failure = failures.shift();
      if (failure !== undefined) throw failure;
      if (words.some(({ stream, report }) => report && failsFor.includes(stream.name)))
        throw new Error('it cannot be kept');
      const current = words.filter(({ stream }) => table.get(stream.name)?.sessionEpoch === stream.sessionEpoch);
      for (const { stream, report, replica } of current) {
        const row = table.get(stream.name)!;
        table.set(stream.name, { ...row, replica, report: report ?? row.report });
      }
      written.push(current.map(({ stream, report }) => `${stream.name} ${report?.position ?? 'alive'}`).join(', '));
      return new Set(current.map(({ stream }) => stream.name));
    },
    remove: async (name) => {
      const node = table.get(name)!;
      table.delete(name);
      return node;
    },
    label: async (wanted, change) => {
      const changed = wanted.map((name) => {
        const node = table.get(name)!;
        const labels = { ...node.labels, assigned: change(node) };
        return { ...node, labels, labelsRevision: node.labelsRevision + 1 };
      });
      for (const node of changed) table.set(node.name, node);
      const failure = failures.shift();
      if (failure !== undefined) throw failure;
      return changed;
    },
    revoke: async (name, revokedAt) => {
      table.set(name, { ...table.get(name)!, revokedAt });
      return table.get(name)!;
    },
    bindKey: async ({ name, certificateFingerprint: known }, certificateFingerprint) => {
      const row = table.get(name);
      if (row?.certificateFingerprint === known) table.set(name, { ...row, certificateFingerprint });
    },
    silent: async () => [],
    removeSilent: async () => undefined,
  };
  return { table, store, written, failures, failsFor };
}

async function known(database = rows()) {
  const revoked: NodeName[] = [];
  const onRevoked = (name: NodeName): void => {
    revoked.push(name);
  };
  const nodes = new KnownNodes({ store: database.store, replica: 'here', log: pino({ level: 'silent' }), onRevoked });
  await nodes.start();
  const begin = (name: NodeName) => nodes.introduce(nodes.require(name), hello);
  return { ...database, nodes, begin, revoked };
}

test('what a node says is known at once, and written later, the last of it, of all nodes together', async () => {
  const { nodes, begin, written } = await known();
  const [s1, s2] = [await begin(n1), await begin(n2)];
  for (const position of [1, 2]) {
    expect(nodes.note(s1, at(position))).toBe(true);
    expect(nodes.require(n1).report?.position).toBe(position);
  }
  nodes.note(s2, at(7));
  expect(written).toEqual([]);
  await nodes.stop();
  expect(written).toEqual(['n1 2, n2 7']);
});

test('a control plane that was started again writes no report that its row has already, and each that it has not', async () => {
  const before = await known();
  for (const name of [n1, n2]) before.nodes.note(await before.begin(name), at(1));
  await before.nodes.stop();
  const { nodes, begin, written, table, store } = await known(before);
  written.length = 0;
  const [s1, s2] = [await begin(n1), await begin(n2)];
  // The same in other bytes: read from the row, and said by the node.
  for (const stream of [s1, s2]) expect(nodes.note(stream, at(1))).toBe(true);
  expect(nodes.unwrittenCount).toBe(0);
  nodes.note(s2, at(2));
  // And once it was something else it is written again.
  nodes.note(s2, at(1));
  await nodes.stop();
  expect(written).toEqual([`${n2} 1, ${n1} alive`]);
  // Another control plane has written meanwhile what nobody here has read.
  const third = await known({ ...before, store });
  table.set(n1, { ...table.get(n1)!, report: at(7) });
  third.nodes.note(await third.begin(n1), at(1));
  await third.nodes.stop();
  expect(table.get(n1)!.report).toEqual(at(1));
});

test('signs of life alone are written when the node goes, or all is written for the last time', async () => {
  const { nodes, begin, written } = await known();
  const stream = await begin(n1);
  for (let beat = 0; beat < 100; beat += 1) nodes.touch(stream);
  await nodes.stop();
  expect(written).toEqual(['n1 alive']);
});

test('an old stream is not heard any more; in the same boot what was said before stays, in another it does not', async () => {
  const { nodes, begin } = await known();
  const old = await begin(n1);
  nodes.note(old, at(1));
  expect((await nodes.introduce(nodes.require(n1), hello)).report?.position).toBe(1);
  expect([nodes.note(old, at(2)), nodes.touch(old), nodes.require(n1).report?.position]).toEqual([false, false, 1]);
  expect((await nodes.introduce(nodes.require(n1), { ...hello, bootId: 'b2' })).report).toBeNull();
  await nodes.stop();
});

test('a database that is away loses no word', async () => {
  const { nodes, begin, written, failures } = await known();
  nodes.note(await begin(n1), at(1));
  expect(isDatabaseAway(away)).toBe(true);
  failures.push(away);
  await nodes.stop();
  expect(written).toEqual([]);
  await nodes.stop();
  expect(written).toEqual(['n1 1']);
});

test('a word that the database does not take costs the others nothing', async () => {
  const { nodes, begin, written, failsFor } = await known();
  for (const name of names) nodes.note(await begin(name), at(1));
  failsFor.push(n2);
  await nodes.stop();
  expect(written.sort()).toEqual(['n1 1', 'n2 alive', 'n3 1']);
});

test('who enrolled again, or was removed, past what is known here is read again when a word of it is refused', async () => {
  const { nodes, begin, table } = await known();
  for (const name of [n1, n2]) nodes.note(await begin(name), at(1));
  table.set(n1, { ...table.get(n1)!, sessionEpoch: 9, certificateFingerprint: 'new', report: null });
  table.delete(n2);
  await nodes.stop();
  expect(nodes.require(n1)).toMatchObject({ certificateFingerprint: 'new', report: null });
  expect(nodes.find(n2)).toBeUndefined();
});

test('a row that was read before a stream began ends not that stream', async () => {
  const { nodes, begin, store, table } = await known();
  await begin(n1);
  const before = table.get(n1)!;
  let answer: (row: NodeRecord) => void = () => undefined;
  store.find = () => new Promise((resolve) => (answer = resolve));
  const refreshed = nodes.refresh(n1);
  const stream = await begin(n1);
  answer(before);
  await refreshed;
  expect(nodes.note(stream, at(1))).toBe(true);
  await nodes.stop();
});

test('labels are known as the later of two writes has them, and read again where it is not known what became of one', async () => {
  const { nodes, begin, table, failures, store } = await known();
  const labels = (name: NodeName) => showLabels(nodes.require(name).labels.assigned);
  const give = (text: string) => nodes.label([n1, n2], () => parseLabels(text), undefined);
  await give('tier=db');
  // What its agent reports, and when it comes back, changes nothing of them.
  await begin(n1);
  expect([labels(n1), labels(n2), showLabels(nodes.require(n1).labels.reported)]).toEqual([
    'tier=db',
    'tier=db',
    'rack=a1',
  ]);
  // A read from before the last write that is answered after it.
  const old = table.get(n1)!;
  await give('tier=web');
  Object.assign(store, { find: async () => old });
  await nodes.refresh(n1);
  expect(labels(n1)).toBe('tier=web');
  Object.assign(store, { find: async (name: NodeName) => table.get(name) ?? null });
  failures.push(away);
  await expect(give('tier=cache')).rejects.toThrow('timeout');
  expect(labels(n2)).toBe('tier=web');
  await nodes.stop();
  expect([labels(n1), labels(n2)]).toEqual(['tier=cache', 'tier=cache']);
});

test('a key is bound to the node that was identified by it, and to none that has enrolled again since', async () => {
  const { table, nodes } = await known();
  const identified = nodes.require(n1);
  await nodes.bindKey(identified, 'k');
  expect(nodes.require(n1).certificateFingerprint).toBe('k');
  table.set(n1, { ...identified, certificateFingerprint: 'of another machine' });
  await expect(nodes.bindKey(identified, 'k')).rejects.toMatchObject({ reason: 'node-removed' });
  expect(nodes.require(n1).certificateFingerprint).toBe('of another machine');
  await nodes.stop();
});

test('what another control plane wrote is taken in where it is newer than what was heard here', async () => {
  const { nodes, begin, table } = await known();
  const ours = await begin(n1);
  nodes.note(ours, at(2));
  // Our own row, which is older than what was said since; and one from before the stream began.
  expect(
    nodes.absorb([
      { ...table.get(n1)!, report: at(1) },
      { ...table.get(n1)!, sessionEpoch: 0, replica: 'there', revision: 0 },
    ]),
  ).toEqual([]);
  expect(nodes.require(n1).report?.position).toBe(2);
  table.set(n1, { ...table.get(n1)!, sessionEpoch: 2, replica: 'there', report: at(3) });
  const elsewhere = table.get(n1)!;
  const newcomer = { ...table.get(n2)!, name: parseNodeName('n9') };
  expect(nodes.absorb([elsewhere, newcomer])).toEqual([elsewhere, newcomer]);
  expect([nodes.note(ours, at(2)), nodes.require(n1).report?.position]).toEqual([false, 3]);
  expect(nodes.page({ after: 'n3', limit: 9 }, () => true)).toEqual([newcomer]);
  await nodes.stop();
});

test('that a stream has ended is written, unless the next one has begun', async () => {
  const { nodes, begin } = await known();
  const first = await begin(n1);
  const second = await begin(n1);
  nodes.noteDeparture(first);
  expect(nodes.require(n1).replica).toBe('here');
  nodes.noteDeparture(second);
  expect(nodes.require(n1).replica).toBeNull();
  await nodes.stop();
});

test('a row that was read before its key was revoked does not make it good again', async () => {
  const { nodes, store, table, revoked } = await known();
  const before = table.get(n1)!;
  let answer: (row: NodeRecord) => void = () => undefined;
  store.find = () => new Promise((resolve) => (answer = resolve));
  const refreshed = nodes.refresh(n1);
  await nodes.revoke(n1, undefined);
  answer(before);
  await refreshed;
  expect(nodes.require(n1).revokedAt).not.toBeNull();
  table.set(n1, { ...before, sessionEpoch: 1, replica: 'there' });
  nodes.absorb([table.get(n1)!]);
  expect(nodes.require(n1)).toMatchObject({ sessionEpoch: 1, revokedAt: expect.any(Date) });
  expect(revoked).toEqual([n1]);
  // Another machine's key is another one.
  table.set(n1, { ...before, sessionEpoch: 2, certificateFingerprint: 'new' });
  store.find = async (name) => table.get(name) ?? null;
  await nodes.refresh(n1);
  expect(nodes.require(n1).revokedAt).toBeNull();
  await nodes.stop();
});

test('a revocation whose answer was lost is told once it is found', async () => {
  const { nodes, store, table, revoked } = await known();
  store.revoke = async (name, revokedAt) => {
    table.set(name, { ...table.get(name)!, revokedAt });
    throw away;
  };
  await expect(nodes.revoke(n1, undefined)).rejects.toThrow('timeout');
  expect(revoked).toEqual([]);
  await nodes.stop();
  expect(revoked).toEqual([n1]);
});

test('of a stream that began here no row takes anything back, however late it is read: neither its report nor its end', async () => {
  const { nodes, begin, table } = await known();
  const stream = await begin(n1);
  nodes.note(stream, at(2));
  // Somebody else has revoked it, and the row goes on saying that the stream is here.
  const read = { ...table.get(n1)!, revokedAt: new Date(), revision: 50 };
  expect(nodes.noteDeparture(stream)).toBe(true);
  nodes.absorb([read]);
  expect(nodes.require(n1)).toMatchObject({ replica: null, report: { position: 2 }, revokedAt: expect.any(Date) });
  expect(nodes.note(stream, at(3)) || nodes.touch(stream)).toBe(false);
  await nodes.stop();
  expect(table.get(n1)).toMatchObject({ replica: null, report: { position: 2 } });
});

test('that a stream has ended is not told of the next one, where it could not be told before that began', async () => {
  const { nodes, begin, store, table } = await known();
  const first = await begin(n1);
  nodes.noteDeparture(first);
  const keep = store.keep.bind(store);
  store.keep = async () => {
    await begin(n1);
    throw away;
  };
  await nodes.stop();
  store.keep = keep;
  await nodes.stop();
  expect(table.get(n1)).toMatchObject({ sessionEpoch: 2, replica: 'here' });
});

test('of two readings of a row the later one counts, whichever comes last', async () => {
  const { nodes, table, store } = await known();
  const written = (change: Partial<NodeRecord>) => table.set(n1, { ...table.get(n1)!, ...change }).get(n1)!;
  const held = written({ sessionEpoch: 1, replica: 'there' });
  const left = written({ replica: null });
  expect(nodes.absorb([left])).toEqual([left]);
  expect(nodes.absorb([held])).toEqual([]);
  expect(nodes.require(n1).replica).toBeNull();
  const another = written({ certificateFingerprint: 'new', sessionEpoch: 2 });
  await nodes.refresh(n1);
  Object.assign(store, { find: async () => held });
  await nodes.refresh(n1);
  expect(nodes.require(n1)).toEqual(another);
  await nodes.stop();
});

test('a node that was removed while its row was read is none again by what was read', async () => {
  const { nodes, table, store } = await known();
  const row = table.get(n1)!;
  await nodes.takeIn(async () => {
    await nodes.remove(n1, undefined);
    return [row];
  });
  expect(nodes.find(n1)).toBeUndefined();
  let isFirst = true;
  const before = table.get(n2)!;
  store.find = async (name) => {
    if (!isFirst) return table.get(name) ?? null;
    isFirst = false;
    await nodes.remove(n2, undefined);
    return before;
  };
  await nodes.refresh(n2);
  await nodes.stop();
  expect([nodes.find(n1), nodes.find(n2)]).toEqual([undefined, undefined]);
});

test('a stream whose epoch was begun without a word of it to us is not said to be here', async () => {
  const { nodes, begin, store, table } = await known();
  const introduce = store.introduce.bind(store);
  store.introduce = async (node, said, replica) => {
    await introduce(node, said, replica);
    throw away;
  };
  await expect(begin(n1)).rejects.toThrow('timeout');
  expect(table.get(n1)).toMatchObject({ sessionEpoch: 1, replica: 'here' });
  await nodes.stop();
  expect(table.get(n1)).toMatchObject({ sessionEpoch: 1, replica: null });
  expect(nodes.require(n1)).toMatchObject({ sessionEpoch: 1, replica: null });
});

test('who was removed, and has joined again with the same key past what is known here, begins its epochs anew', async () => {
  const { nodes, begin, table } = await known();
  for (let turn = 0; turn < 3; turn += 1) nodes.note(await begin(n1), at(turn));
  table.set(n1, { ...table.get(n1)!, sessionEpoch: 0, report: null });
  const stream = await begin(n1);
  expect(stream).toMatchObject({ sessionEpoch: 1, report: null });
  expect(nodes.note(stream, at(1))).toBe(true);
  await nodes.stop();
});

test('a write whose answer is lost is looked after also where somebody looked while it was under way', async () => {
  const { nodes, store, table, revoked } = await known();
  store.revoke = async (name, revokedAt) => {
    await nodes.refresh(name);
    table.set(name, { ...table.get(name)!, revokedAt });
    throw away;
  };
  await expect(nodes.revoke(n1, undefined)).rejects.toThrow('timeout');
  await nodes.stop();
  expect(revoked).toEqual([n1]);
});
