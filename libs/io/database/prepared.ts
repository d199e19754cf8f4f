// SPDX-License-Identifier: GPL-2.0-only
import { createHash } from 'node:crypto';
import type { Pool, PoolClient, QueryResultRow } from 'pg';
import type { OnStatement } from './timed-adapter';

/**
 * SQL of fixed words, that name its columns: PostgreSQL reads and plans it once for each connection, and a newer
 * version's columns do not change what it answers.
 */
export class Statement<Row extends QueryResultRow = QueryResultRow> {
  /** Of its words, so no other version's statement has it. */
  readonly name: string;
  /** What its rows are; never there. */
  declare readonly row: Row;

  constructor(readonly text: string) {
    this.name = createHash('sha256').update(text).digest('hex').slice(0, 32);
  }
}

/** Asks one statement. */
export type Ask = <Row extends QueryResultRow>(
  statement: Statement<Row>,
  values: readonly unknown[],
) => Promise<readonly Row[]>;

/**
 * What is asked often, by the driver itself: between a question and its answer Prisma computes for longer than PostgreSQL
 * does. It shares the connections of Prisma's client.
 */
export class Prepared {
  constructor(
    private readonly pool: Pool,
    private readonly onStatement: OnStatement = () => undefined,
  ) {}

  readonly ask: Ask = (statement, values) => this.askBy(this.pool, statement, values);

  /** A transaction that holds this advisory lock: each of its statements sees what was done before it had it. */
  async underLock<T>(lock: number, work: (ask: Ask) => Promise<T>): Promise<T> {
    const client = await this.pool.connect();
    // What breaks shows at the next statement; without a listener it would end the process.
    const ignore = (): void => undefined;
    client.on('error', ignore);
    let broken: Error | undefined;
    try {
      await this.timed(() =>
        client.query(`BEGIN ISOLATION LEVEL READ COMMITTED; SELECT pg_advisory_xact_lock(${lock})`),
      );
      const result = await work((statement, values) => this.askBy(client, statement, values));
      await this.timed(() => client.query('COMMIT'));
      return result;
    } catch (error) {
      await client.query('ROLLBACK').catch((failure: unknown) => {
        broken = failure as Error;
      });
      throw error;
    } finally {
      client.off('error', ignore);
      client.release(broken);
    }
  }

  private async askBy<Row extends QueryResultRow>(
    on: Pool | PoolClient,
    { name, text }: Statement<Row>,
    values: readonly unknown[],
  ): Promise<readonly Row[]> {
    const { rows } = await this.timed(() => on.query<Row>({ name, text, values: [...values] }));
    return rows;
  }

  private async timed<T>(statement: () => Promise<T>): Promise<T> {
    const begun = performance.now();
    try {
      return await statement();
    } finally {
      this.onStatement(performance.now() - begun);
    }
  }
}
