// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import {
  FleetServiceService,
  GetOrderResponse,
  ListNodesResponse,
  StartRolloutResponse,
} from '@lockstep/contracts/generated';
import fc from 'fast-check';
import { answerParts, encodeAnswer, EncodedAnswer, sendingEncoded, type AnswerCodec } from './answer-parts';

async function partsOf<Response extends object>(answer: Response, codec: AnswerCodec<Response>): Promise<Buffer[]> {
  const parts = [];
  for await (const { bytes } of answerParts(answer, codec)) parts.push(bytes);
  return parts;
}

const answers = fc.record({
  cluster: fc.string(),
  stack: fc.array(fc.nat(), { maxLength: 300 }),
  sharedFunctions: fc.array(fc.record({ owners: fc.array(fc.nat()) }), { maxLength: 300 }),
});

test('joined, the parts are the answer, whatever it is made of', async () => {
  const codec = FleetServiceService.getOrder;
  await fc.assert(
    fc.asyncProperty(answers, async (some) => {
      const answer = GetOrderResponse.fromPartial(some);
      const parts = await partsOf(answer, codec);
      expect(GetOrderResponse.decode(Buffer.concat(parts))).toEqual(answer);
      expect(parts.length).toBeGreaterThan(0);
    }),
  );
});

const aThousand = ListNodesResponse.fromPartial({
  nodes: Array.from({ length: 1_000 }, (_, index) => ({ name: `n${index}` })),
  nextPageToken: 'next',
  revision: 7,
});

test('each item of a list is encoded once, and no more than some before what they make has left', async () => {
  const codec = FleetServiceService.listNodes;
  const encoded: number[] = [];
  const counting = {
    ...codec,
    responseSerialize: (answer: ListNodesResponse) => {
      encoded.push(answer.nodes.length);
      return codec.responseSerialize(answer);
    },
  };
  let taken = 0;
  for await (const part of answerParts(aThousand, counting)) {
    expect(part).toBeInstanceOf(EncodedAnswer);
    taken += 1;
    expect(encoded).toHaveLength(taken);
  }
  expect(encoded).toEqual([...Array<number>(20).fill(50), 0]);
});

const rollouts = fc.record({
  id: fc.string(),
  nodeCount: fc.nat(),
  startedAt: fc.option(fc.date({ noInvalidDate: true }), { nil: undefined }),
  nodes: fc.array(fc.record({ node: fc.string(), wave: fc.nat(), late: fc.boolean() }), { maxLength: 200 }),
  probes: fc.array(fc.string(), { maxLength: 120 }),
});

test('a message in an answer is made of its long lists and the rest, whatever it is made of', async () => {
  const codec = FleetServiceService.startRollout;
  await fc.assert(
    fc.asyncProperty(fc.option(rollouts, { nil: undefined }), async (rollout) => {
      const answer = StartRolloutResponse.fromPartial({ rollout });
      expect(StartRolloutResponse.decode(Buffer.concat(await partsOf(answer, codec)))).toEqual(answer);
    }),
  );
});

test('what is kept of a call, and told to its caller, is encoded once, no more than some nodes at a time', async () => {
  const codec = FleetServiceService.startRollout;
  const encoded: number[] = [];
  const counting = {
    ...codec,
    responseSerialize: (answer: StartRolloutResponse) => {
      encoded.push(answer.rollout?.nodes.length ?? 0);
      return codec.responseSerialize(answer);
    },
  };
  const nodes = Array.from({ length: 1_000 }, (_, index) => ({ node: `n${index}` }));
  const answer = StartRolloutResponse.fromPartial({ rollout: { id: 'r', nodes } });
  const kept = await encodeAnswer(answer, counting);
  expect(Math.max(...encoded)).toBe(50);
  expect(encoded.reduce((sum, each) => sum + each, 0)).toBe(1_000);
  encoded.length = 0;
  expect(Buffer.concat(await partsOf(answer, counting))).toEqual(kept);
  expect(encoded).toEqual([]);
  expect(StartRolloutResponse.decode(kept)).toEqual(answer);
});

test('one object that answers two calls is encoded for each', async () => {
  const answer = { items: ['a', 'b'] };
  const byName = {
    responseSerialize: ({ items }: typeof answer) => Buffer.from(items.join('+')),
    responseDeserialize: () => ({ items: [] }),
  };
  const byCount = { ...byName, responseSerialize: ({ items }: typeof answer) => Buffer.from(`${items.length}`) };
  expect(String(await encodeAnswer(answer, byName))).toBe('a+b');
  expect(String(await encodeAnswer(answer, byCount))).toBe('2');
});

test('what is encoded is sent as it is, and anything else as before', async () => {
  const { listNodes } = sendingEncoded(FleetServiceService);
  const serialize = listNodes.responseSerialize as (answer: unknown) => Buffer;
  const bytes = Buffer.from('as it is');
  expect(serialize(new EncodedAnswer(bytes))).toBe(bytes);
  expect(serialize(aThousand)).toEqual(FleetServiceService.listNodes.responseSerialize(aThousand));
});
