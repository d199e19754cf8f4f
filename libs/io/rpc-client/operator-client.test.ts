// SPDX-License-Identifier: GPL-2.0-only
import { createServer } from 'node:net';
import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { Metadata, status, type sendUnaryData, type ServerUnaryCall, type ServerWritableStream } from '@grpc/grpc-js';
import {
  Node,
  RolloutStatus,
  SubmitPatchRequest,
  type CreateClusterResponse,
  type WatchRolloutRequest,
  type WatchRolloutResponse,
} from '@lockstep/contracts/generated';
import { callKeyHeader, maxMessageBytes, statusFromError, switchingToWire } from '@lockstep/contracts/wire';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { connectOperator, type OperatorClient } from './operator-client';
import { makePki, serveMethods, type TestPki } from './test-server';

let pki: TestPki;
const cleanups: (() => void)[] = [];

beforeAll(async () => {
  pki = await makePki();
});

afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

type Unary = (call: ServerUnaryCall<unknown, unknown>, callback: sendUnaryData<unknown>) => void;
type Watch = (call: ServerWritableStream<WatchRolloutRequest, WatchRolloutResponse>) => void;
type Parts = (call: ServerWritableStream<unknown, unknown>) => void | Promise<void>;

async function serve(methods: Record<string, Unary | Watch | Parts>, port?: number): Promise<number> {
  const server = await serveMethods(pki, methods, port);
  cleanups.push(server.stop);
  return server.port;
}

function client(port: number, ca = pki.ca): OperatorClient {
  const operator = connectOperator({ address: `127.0.0.1:${port}`, ca, token: 'secret\n' });
  cleanups.push(() => {
    operator.close();
  });
  return operator;
}

const unavailable = statusFromError(new LockstepError('unavailable', 'restarting', 'Restarting.'));
const clusterNamed = (name: string): CreateClusterResponse => ({
  cluster: { name, createdAt: undefined, removeSilentAfterDays: 0, approvals: undefined, ...switchingToWire({}) },
});
const rollout = (toSeq: number): WatchRolloutResponse => ({
  rollout: {
    id: 'r',
    cluster: 'c',
    kernelBuildId: 'k',
    toSeq,
    status: RolloutStatus.ROLLOUT_STATUS_RUNNING,
    nodes: [],
    probes: [],
    gates: [],
    ...{ caveats: [], waves: [], orders: [], domains: [], emergency: undefined, nodeCount: 0, nodesThere: 0 },
    ...{ approvals: undefined, halt: undefined, waiting: undefined, startedAt: undefined, endedAt: undefined },
  },
});

const failing =
  (status: ReturnType<typeof statusFromError>): Parts =>
  (call) => {
    call.emit('error', status);
  };

describe('calls with one answer', () => {
  test('carry the token and give the answer', async () => {
    let seen: unknown;
    const port = await serve({
      createCluster: (call, callback) => {
        seen = (call as { metadata: Metadata }).metadata.get('authorization');
        callback(null, clusterNamed('web'));
      },
    });
    await expect(client(port).fleet.createCluster({ ...switchingToWire({}), name: 'web' })).resolves.toMatchObject({
      cluster: { name: 'web' },
    });
    expect(seen).toEqual(['Bearer secret']);
  });

  test('an error arrives as the server threw it', async () => {
    const thrown = new LockstepError('refused', 'unforced-conflict', 'Owned by A.', { functions: ['vmlinux:a'] });
    const port = await serve({
      getNode: failing(statusFromError(thrown)),
    });
    await expect(client(port).fleet.getNode({ name: 'n' })).rejects.toMatchObject({
      kind: 'refused',
      reason: 'unforced-conflict',
      message: 'Owned by A.',
      fields: { functions: ['vmlinux:a'] },
    });
  });

  test('an answer in parts is one', async () => {
    const node = (name: string) => Node.fromPartial({ name });
    const port = await serve({
      listNodes: (call: Parameters<Parts>[0]) => {
        call.write({ nodes: [node('a'), node('b')] });
        call.write({ nodes: [node('c')] });
        call.end();
      },
    });
    const { nodes } = await client(port).fleet.listNodes({ cluster: '', selector: '', withoutCve: '' });
    expect(nodes.map(({ name }) => name)).toEqual(['a', 'b', 'c']);
  });

  test('an answer in parts may take as long as it likes, as long as some of it comes', async () => {
    const port = await serve({
      listNodes: async (call: Parameters<Parts>[0]) => {
        for (const name of 'abcdefghijklmnopqrstuvwxyz') {
          await new Promise((resolve) => setTimeout(resolve, 150));
          call.write({ nodes: [Node.fromPartial({ name })] });
        }
        call.end();
      },
    });
    const { nodes } = await client(port).fleet.listNodes(
      { cluster: '', selector: '', withoutCve: '' },
      { deadlineMs: 3_000 },
    );
    expect(nodes.map(({ name }) => name).join('')).toBe('abcdefghijklmnopqrstuvwxyz');
  });

  test('an answer of which only some parts came is asked for again, whole', async () => {
    let calls = 0;
    const port = await serve({
      listNodes: (call: Parameters<Parts>[0]) => {
        calls += 1;
        call.write({ nodes: [Node.fromPartial({ name: `of call ${calls}` })] });
        if (calls === 1) call.emit('error', unavailable);
        else call.end();
      },
    });
    const { nodes } = await client(port).fleet.listNodes({ cluster: '', selector: '', withoutCve: '' });
    expect(nodes.map(({ name }) => name)).toEqual(['of call 2']);
  });

  test('a read is repeated while the server restarts', async () => {
    let count = 0;
    const port = await serve({
      getNode: (call: Parameters<Parts>[0]) => {
        count += 1;
        if (count < 3) call.emit('error', unavailable);
        else call.end();
      },
    });
    await expect(client(port).fleet.getNode({ name: 'n' })).resolves.toEqual({ node: undefined });
    expect(count).toBe(3);
  });

  test('a write is repeated under the key that it had, and each has its own', async () => {
    const keys: unknown[] = [];
    const port = await serve({
      createCluster: (call, callback) => {
        keys.push((call as { metadata: Metadata }).metadata.get(callKeyHeader)[0]);
        if (keys.length < 3) callback(unavailable);
        else callback(null, clusterNamed('web'));
      },
    });
    const { fleet } = client(port);
    await fleet.createCluster({ ...switchingToWire({}), name: 'web' });
    await fleet.createCluster({ ...switchingToWire({}), name: 'web' });
    expect(keys).toEqual([keys[0], keys[0], keys[0], keys[3]]);
    expect(new Set(keys).size).toBe(2);
    expect(keys[0]).toMatch(/^[0-9a-f-]{36}$/);
  });

  test('a server that never answers costs the deadline, no more', async () => {
    const port = await serve({ getNode: (): void => undefined });
    const startedAt = Date.now();
    await expect(client(port).fleet.getNode({ name: 'n' }, { deadlineMs: 400 })).rejects.toMatchObject({
      kind: 'unavailable',
      reason: 'grpc-deadline-exceeded',
    });
    expect(Date.now() - startedAt).toBeLessThan(20_000);
  });

  test('a write without an answer says that it may have been done', async () => {
    const port = await serve({ createCluster: () => undefined });
    const call = client(port).fleet.createCluster({ ...switchingToWire({}), name: 'n' }, { deadlineMs: 400 });
    await expect(call).rejects.toMatchObject({
      kind: 'unavailable',
      reason: 'grpc-deadline-exceeded',
      message: expect.stringMatching(/may have done .*look before you ask again/),
    });
  });

  test('an endless text arrives, cut', async () => {
    const text = `\u2026${'"quoted"\n'.repeat(50_000)}`;
    const thrown = new LockstepError('invalid-input', 'invalid-name', text, { text });
    const port = await serve({
      getNode: failing(statusFromError(thrown)),
    });
    const error = await client(port)
      .fleet.getNode({ name: 'n' }, { deadlineMs: 10_000 })
      .then(
        () => undefined,
        (caught: unknown) => caught as LockstepError,
      );
    expect([error?.kind, error?.reason]).toEqual(['invalid-input', 'invalid-name']);
    expect(error?.message.length).toBeGreaterThan(5_000);
    expect(error?.message.length).toBeLessThan(8_200);
  });

  test('what does not fit into a message is said at once, and not sent again and again', async () => {
    const { build } = client(await serve({}));
    const startedAt = performance.now();
    const request = SubmitPatchRequest.fromPartial({ name: 'p', diff: Buffer.alloc(maxMessageBytes + 1) });
    await expect(build.submitPatch(request)).rejects.toMatchObject({
      kind: 'invalid-input',
      reason: 'message-too-large',
    });
    expect(performance.now() - startedAt).toBeLessThan(10_000);
  });

  test('the caller can give up', async () => {
    const port = await serve({ getNode: (): void => undefined });
    const abort = new AbortController();
    const call = client(port).fleet.getNode({ name: 'n' }, { signal: abort.signal });
    setTimeout(() => {
      abort.abort();
    }, 50);
    await expect(call).rejects.toMatchObject({ kind: 'cancelled' });
  });

  test('a dead server is named unavailable', async () => {
    await expect(client(1).fleet.getNode({ name: 'n' }, { deadlineMs: 500 })).rejects.toMatchObject({
      kind: 'unavailable',
    });
  });
});

describe('whom it trusts', () => {
  test('no server of another CA', async () => {
    const other = await makePki();
    const port = await serve({
      getNode: (call: Parameters<Parts>[0]) => {
        call.end();
      },
    });
    await expect(client(port, other.ca).fleet.getNode({ name: 'n' }, { deadlineMs: 500 })).rejects.toMatchObject({
      kind: 'unavailable',
    });
  });
  test('no server whose certificate is for another address', async () => {
    const elsewhere = await makePki('192.0.2.1');
    const server = await serveMethods(elsewhere, {
      getNode: (call: Parameters<Parts>[0]) => {
        call.end();
      },
    });
    cleanups.push(server.stop);
    await expect(
      client(server.port, elsewhere.ca).fleet.getNode({ name: 'n' }, { deadlineMs: 500 }),
    ).rejects.toMatchObject({ kind: 'unavailable' });
  });
});

describe('watching', () => {
  const collect = async (stream: AsyncIterable<WatchRolloutResponse>): Promise<number[]> => {
    const seqs: number[] = [];
    for await (const { rollout: seen } of stream) seqs.push(seen!.toSeq);
    return seqs;
  };

  test('goes on over a restart of the server', async () => {
    let calls = 0;
    const port = await serve({
      watchRollout: (call: Parameters<Watch>[0]) => {
        calls += 1;
        call.write(rollout(calls));
        if (calls === 1) call.emit('error', unavailable);
        else call.end();
      },
    });
    await expect(collect(client(port).fleet.watchRollout({ id: 'r' }))).resolves.toEqual([1, 2]);
  });

  test('goes on over a server that cuts its calls off', async () => {
    let stopFirst = (): void => undefined;
    const first = await serveMethods(pki, {
      watchRollout: (call: Parameters<Watch>[0]) => {
        call.write(rollout(1));
        setTimeout(() => {
          stopFirst();
        }, 50);
      },
    });
    const { port } = first;
    const again = new Promise<number>((resolve, reject) => {
      stopFirst = () => {
        first.stop();
        const end: Watch = (call) => {
          call.write(rollout(2));
          call.end();
        };
        serve({ watchRollout: end }, port).then(resolve, reject);
      };
    });
    await expect(collect(client(port).fleet.watchRollout({ id: 'r' }))).resolves.toEqual([1, 2]);
    await again;
  });

  test('goes on over a server that is shut down by force, which gRPC may call cancelled', async () => {
    let calls = 0;
    const port = await serve({
      watchRollout: (call: Parameters<Watch>[0]) => {
        calls += 1;
        call.write(rollout(calls));
        if (calls === 1) call.emit('error', { code: status.CANCELLED, details: 'Call cancelled' });
        else call.end();
      },
    });
    await expect(collect(client(port).fleet.watchRollout({ id: 'r' }))).resolves.toEqual([1, 2]);
  });

  test('ends with an error that will not pass', async () => {
    const port = await serve({
      watchRollout: (call: Parameters<Watch>[0]) => {
        call.emit('error', statusFromError(new LockstepError('not-found', 'unknown-rollout', 'No such rollout.')));
      },
    });
    await expect(collect(client(port).fleet.watchRollout({ id: 'r' }))).rejects.toMatchObject({
      kind: 'not-found',
      reason: 'unknown-rollout',
    });
  });

  test('a reader who leaves ends the call at the server', async () => {
    let noteCancelled = (): void => undefined;
    const cancelled = new Promise<void>((resolve) => {
      noteCancelled = resolve;
    });
    const port = await serve({
      watchRollout: (call: Parameters<Watch>[0]) => {
        call.on('cancelled', noteCancelled);
        call.write(rollout(1));
      },
    });
    for await (const { rollout: seen } of client(port).fleet.watchRollout({ id: 'r' })) {
      if (seen !== undefined) break;
    }
    await cancelled;
  });

  test('the caller can give up while the server is silent', async () => {
    const port = await serve({ watchRollout: () => undefined });
    const abort = new AbortController();
    const watching = collect(client(port).fleet.watchRollout({ id: 'r' }, { signal: abort.signal }));
    setTimeout(() => {
      abort.abort();
    }, 50);
    await expect(watching).rejects.toMatchObject({ kind: 'cancelled' });
  });
});

test('a port that speaks no TLS is unavailable, not a hang', async () => {
  const server = createServer((socket) => socket.end('hello\n'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => server.close());
  const { port } = server.address() as { port: number };
  await expect(client(port).fleet.getNode({ name: 'n' }, { deadlineMs: 1000 })).rejects.toMatchObject({
    kind: 'unavailable',
  });
});
