// SPDX-License-Identifier: GPL-2.0-only
import type { PrismaPg } from '@prisma/adapter-pg';

type Adapter = Awaited<ReturnType<PrismaPg['connect']>>;
type Transaction = Awaited<ReturnType<Adapter['startTransaction']>>;

/** Is told how long each statement took, whether it was done or not. */
export type OnStatement = (tookMs: number) => void;

async function timed<T>(onStatement: OnStatement, statement: () => Promise<T>): Promise<T> {
  const begun = performance.now();
  try {
    return await statement();
  } finally {
    onStatement(performance.now() - begun);
  }
}

/** The statements of a connection or a transaction, and what ends one: a COMMIT waits for the disk. */
function timeStatements(target: Adapter | Transaction, onStatement: OnStatement): void {
  const queryRaw = target.queryRaw.bind(target);
  const executeRaw = target.executeRaw.bind(target);
  target.queryRaw = (query) => timed(onStatement, () => queryRaw(query));
  target.executeRaw = (query) => timed(onStatement, () => executeRaw(query));
  if (!('commit' in target)) return;
  const commit = target.commit.bind(target);
  target.commit = () => timed(onStatement, commit);
}

/** The same adapter, with every statement's time told: Prisma's own event for it would write out each statement's values. */
export function timingStatements(adapter: PrismaPg, onStatement: OnStatement): PrismaPg {
  const connect = adapter.connect.bind(adapter);
  adapter.connect = async () => {
    const connected = await connect();
    timeStatements(connected, onStatement);
    const startTransaction = connected.startTransaction.bind(connected);
    connected.startTransaction = async (isolationLevel) => {
      const transaction = await startTransaction(isolationLevel);
      timeStatements(transaction, onStatement);
      return transaction;
    };
    return connected;
  };
  return adapter;
}
