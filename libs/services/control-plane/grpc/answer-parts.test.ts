// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { FleetServiceService, GetOrderResponse, ListNodesResponse } from '@lockstep/contracts/generated';
import fc from 'fast-check';
import { answerParts, EncodedAnswer, sendingEncoded, type AnswerCodec } from './answer-parts';

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

test('what is encoded is sent as it is, and anything else as before', async () => {
  const { listNodes } = sendingEncoded(FleetServiceService);
  const serialize = listNodes.responseSerialize as (answer: unknown) => Buffer;
  const bytes = Buffer.from('as it is');
  expect(serialize(new EncodedAnswer(bytes))).toBe(bytes);
  expect(serialize(aThousand)).toEqual(FleetServiceService.listNodes.responseSerialize(aThousand));
});
