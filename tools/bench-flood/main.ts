// SPDX-License-Identifier: GPL-2.0-only
import { createHash } from 'node:crypto';
import CliTable from 'cli-table3';
import { Command } from 'commander';
import { Client, credentials, Metadata } from '@grpc/grpc-js';
import { CreateClusterRequest, CreateTokenRequest, OwnerKind, Role } from '@lockstep/contracts/generated';
import { HealthService } from '@lockstep/contracts/generated/health';
import { createCertificateRequest } from '@lockstep/io/certificates';
import { enrol, type OperatorClient } from '@lockstep/io/rpc-client';
import { ProbedControlPlane } from '@lockstep/testing/heap-soak';
import { wholeNumber } from '../command-options/whole-number';
import { ScratchDirectory } from '../scratch-directory/scratch-directory';
import { attacks, type Attack, type Target } from './attacks';
import { callFor, type Fared } from './others';

/** Generous: it says that others are served, not how fast this machine is. */
const mostMs = 10_000;

interface Options {
  readonly seconds: number;
  readonly json?: boolean;
}

interface Row {
  readonly attack: string;
  /** What the attacker got done. */
  readonly done: string;
  /** A list of nodes, of an operator. */
  readonly operator: Fared;
  /** A question of a node that is connected. */
  readonly node: Fared;
  /** The same by a new connection each time. */
  readonly newcomer: Fared;
}

interface Credentials {
  readonly certificate: string;
  readonly key: string;
}

async function join(plane: ProbedControlPlane, operator: OperatorClient, node: string): Promise<Credentials> {
  const asked = { cluster: 'web', node, ttlSeconds: 0, allow: '', count: 0 };
  const { joinToken } = await operator.fleet.createJoinToken(asked);
  const { privateKeyPem: key, requestPem } = await createCertificateRequest();
  const { certificate } = await enrol({ address: plane.agentAddress, joinToken, certificateRequest: requestPem });
  return { certificate, key };
}

async function viewerToken(operator: OperatorClient): Promise<string> {
  const secret = `lockstep_flood_${'v'.repeat(32)}`;
  const request = CreateTokenRequest.fromPartial({
    ...{ name: 'flood', owner: 'flood', ownerKind: OwnerKind.OWNER_KIND_SERVICE, roles: [Role.ROLE_VIEWER] },
    ...{ scope: { everywhere: true }, secretSha256: createHash('sha256').update(secret).digest('hex') },
  });
  await operator.access.createToken(request);
  return secret;
}

const askHealth = (client: Client): Promise<void> =>
  new Promise((resolve, reject) => {
    const { path: method, requestSerialize, responseDeserialize } = HealthService.check;
    const call = client.makeUnaryRequest(
      ...([method, requestSerialize, responseDeserialize, { service: '' }, new Metadata()] as const),
      (error) => {
        clearTimeout(timer);
        if (error === null) resolve();
        else reject(error);
      },
    );
    const timer = setTimeout(() => {
      call.cancel();
    }, mostMs);
  });

async function measure(
  seconds: number,
  operator: OperatorClient,
  newClient: () => Client,
): Promise<Pick<Row, 'operator' | 'node' | 'newcomer'>> {
  const standing = newClient();
  await askHealth(standing);
  const [asOperator, node, newcomer] = await Promise.all([
    callFor(seconds, () => operator.fleet.listNodes({ cluster: '', selector: '', withoutCve: '' })),
    callFor(seconds, () => askHealth(standing)),
    callFor(seconds, async () => {
      const client = newClient();
      await askHealth(client).finally(() => {
        client.close();
      });
    }),
  ]);
  standing.close();
  return { operator: asOperator, node, newcomer };
}

async function flood({ seconds }: Options, dir: string): Promise<Row[]> {
  await using plane = await ProbedControlPlane.start(dir, __dirname, {});
  const operator = plane.operator();
  await operator.fleet.createCluster(CreateClusterRequest.fromPartial({ name: 'web' }));
  const { ca } = plane;
  const good = await join(plane, operator, 'good');
  const target: Target = {
    ...{ operatorAddress: plane.operatorAddress, agentAddress: plane.agentAddress, ca },
    ...{ node: await join(plane, operator, 'bad'), viewerToken: await viewerToken(operator) },
  };
  const tls = credentials.createSsl(Buffer.from(ca), Buffer.from(good.key), Buffer.from(good.certificate));
  let clients = 0;
  const newClient = (): Client => {
    clients += 1;
    return new Client(plane.agentAddress, tls, { 'grpc.use_local_subchannel_pool': 1, 'good.index': clients });
  };
  const rows: Row[] = [{ attack: 'none', done: '', ...(await measure(seconds, operator, newClient)) }];
  for (const [attack, run] of Object.entries(attacks)) rows.push(await underAttack(attack, run));
  operator.close();
  return rows;

  async function underAttack(attack: string, run: Attack): Promise<Row> {
    const abort = new AbortController();
    const attacking = run(target, abort.signal);
    const measured = await measure(seconds, operator, newClient);
    abort.abort();
    return { attack, done: await attacking, ...measured };
  }
}

const others = ({ operator, node, newcomer }: Row): readonly Fared[] => [operator, node, newcomer];
const isServed = ({ calls, failed, longest }: Fared): boolean => calls > 0 && failed.length === 0 && longest < mostMs;
const cell = ({ calls, failed, p50, p99 }: Fared): string => `${p50} / ${p99} (${calls - failed.length} of ${calls})`;

async function main(options: Options): Promise<number> {
  using scratch = ScratchDirectory.create('flood');
  const rows = await flood(options, scratch.path);
  const passed = rows.flatMap(others).every(isServed);
  const failures = rows.flatMap(others).flatMap(({ failed }) => failed);
  if (options.json)
    process.stdout.write(`${JSON.stringify({ seconds: options.seconds, passed, rows }, undefined, 2)}\n`);
  else {
    const head = ['ATTACK', 'OPERATOR', 'NODE', 'NEW CONNECTION', 'WHAT THE ATTACKER GOT DONE'];
    const table = new CliTable({ head, style: { head: [], border: [] } });
    for (const row of rows) table.push([row.attack, ...others(row).map(cell), row.done]);
    process.stdout.write(`Of others: p50 / p99 in ms (answered)\n${table.toString()}\n`);
    for (const failure of new Set(failures)) process.stdout.write(`failed: ${failure}\n`);
    process.stdout.write(`${passed ? 'passed: everybody else was served' : 'FAILED: others were not served'}\n`);
  }
  return passed ? 0 : 1;
}

const options = new Command('bench-flood')
  .description('how calls of others fare while strangers, a node and operators flood a control plane, or are slow')
  .option('--seconds <number>', 'of each attack', wholeNumber, 10)
  .option('--json', 'print one JSON document')
  .parse()
  .opts<Options>();

main(options).then(
  (code) => {
    process.exit(code);
  },
  (error: unknown) => {
    process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  },
);
