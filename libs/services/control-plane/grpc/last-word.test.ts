// SPDX-License-Identifier: GPL-2.0-only
import { once } from 'node:events';
import {
  credentials,
  makeClientConstructor,
  Server,
  ServerCredentials,
  status,
  type ClientDuplexStream,
  type ServerDuplexStream,
  type ServiceError,
} from '@grpc/grpc-js';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { pino } from 'pino';
import { runStream } from './call-route';
import { messagesUntil } from './messages-until';
import { OpenCalls } from './open-calls';

// Why a stream ends is told to its peer, also while another message is still being written to it.

const text = { serialize: (value: string) => Buffer.from(value), deserialize: (bytes: Buffer) => bytes.toString() };
const definition = {
  talk: {
    path: '/test/talk',
    requestStream: true,
    responseStream: true,
    requestSerialize: text.serialize,
    requestDeserialize: text.deserialize,
    responseSerialize: text.serialize,
    responseDeserialize: text.deserialize,
  },
};
const reason = new LockstepError('forbidden', 'node-removed', 'It was removed.');

const server = new Server();
let address: string;

/** Writes as many messages as it is told to, and is ended from outside at the same moment. */
async function talk(call: ServerDuplexStream<string, string>, abort: AbortController): Promise<void> {
  for await (const wanted of messagesUntil<string>(call, abort.signal)) {
    setImmediate(() => {
      for (let written = 0; written < Number(wanted); written += 1) call.write('x'.repeat(100_000));
      abort.abort(reason);
    });
  }
}

beforeAll(async () => {
  const parts = { log: pino({ level: 'silent' }), calls: new OpenCalls() };
  server.addService(definition, {
    talk: (call: ServerDuplexStream<string, string>) => {
      runStream(call, parts, (abort) => talk(call, abort));
    },
  });
  address = await new Promise((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
      if (error === null) resolve(`127.0.0.1:${port}`);
      else reject(error);
    });
  });
});
afterAll(() => {
  server.forceShutdown();
});

test.each([0, 1, 2, 20])('with %i messages under way', async (count) => {
  const client = new (makeClientConstructor(definition, 'test'))(address, credentials.createInsecure());
  const call = (client['talk'] as () => ClientDuplexStream<string, string>).call(client);
  let received = 0;
  call.on('data', () => (received += 1));
  call.write(String(count));
  const [error] = (await once(call, 'error')) as [ServiceError];
  client.close();
  expect([error.code, error.details, received]).toEqual([status.PERMISSION_DENIED, reason.message, count]);
});
