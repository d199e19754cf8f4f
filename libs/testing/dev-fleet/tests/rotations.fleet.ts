// SPDX-License-Identifier: GPL-2.0-only
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { connect } from 'node:tls';
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import {
  AuthorityStage,
  BuildStatus,
  RolloutStatus,
  type ListAuthoritiesResponse,
} from '@lockstep/contracts/generated';
import { connectOperator, type OperatorClient } from '@lockstep/io/rpc-client';
import { certificatePin } from '@lockstep/platform/runtime';
import { startPostgres } from '@lockstep/testing/local-postgres';
import { freePort, temporaryFolder, type TemporaryFolder } from '@lockstep/testing/local-servers';
import { kernelTestSetupMs } from '@lockstep/testing/qemu-machine';
import { startDevFleet, type DevFleet } from '../dev-fleet';
import { eventually } from '../eventually';
import { exampleDiff } from '../example-patches';
import { auditedLog, journalFaults, kernelFaults } from '../fleet-audit';
import { createFleetServer, type FleetServer } from '../fleet-server';
import { runLockstep, type CommandResult } from '../lockstep-command';
import { patientOperator } from '../patient-operator';

// Two control planes on one database, agents that know both, rollouts that go on: meanwhile the authority and the key of the
// load orders are changed for others, step by step. Nothing is lost.

let folder: TemporaryFolder;
let postgres: { readonly url: string; stop(): Promise<void> };
let fleet: DevFleet;
let second: FleetServer;

jest.setTimeout(1_200_000);

const patience = { withinMs: 300_000 };
const letters = ['a', 'b', 'c', 'd'] as const;
const patches = ['one', 'two', 'three', 'four'];

const lockstep = (...args: string[]): Promise<CommandResult> => runLockstep(fleet.server.stateDir, args);
const inPki = (name: string): string => path.join(fleet.server.stateDir, 'pki', name);

/** Much is going on beside it: what is asked for is done once, however late the answer comes. */
const late = { deadlineMs: 300_000 };

const authorities = (operator: OperatorClient): Promise<ListAuthoritiesResponse> =>
  operator.access.listAuthorities({}, late);

/** Once the next step waits for these alone, as both control planes say. */
const untilWaitingFor = (operators: readonly OperatorClient[], names: readonly string[]): Promise<true> =>
  eventually(
    `it waits for ${names.join() || 'nobody'}`,
    async () => {
      for (const operator of operators) {
        const { nodes, waitsForNodes } = await authorities(operator);
        const waits = [nodes, ...waitsForNodes].join();
        if (waits !== [fleet.nodes.length, ...names].join()) throw new Error(waits);
      }
      return true as const;
    },
    patience,
  );

/** The pins of what a control plane shows, from its own certificate down. */
function shownBy(address: string): Promise<string[]> {
  const [host = '', port = ''] = address.split(':');
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port: Number(port), rejectUnauthorized: false, ALPNProtocols: ['h2'] }, () => {
      const pins: string[] = [];
      for (let at = socket.getPeerX509Certificate(); at !== undefined; at = at.issuerCertificate) {
        pins.push(certificatePin(at.raw));
        if (at.issuerCertificate?.fingerprint256 === at.fingerprint256) break;
      }
      socket.destroy();
      resolve(pins);
    });
    socket.on('error', reject);
  });
}

beforeAll(async () => {
  folder = await temporaryFolder('rotations');
  postgres = await startPostgres(folder.path);
  const ports = [await freePort(), await freePort()];
  const env = {
    LOCKSTEP_DATABASE_URL: postgres.url,
    LOCKSTEP_REPLICAS: 'several',
    LOCKSTEP_AGENT_PORT: String(ports[0]),
    LOCKSTEP_AGENT_ADDRESS: ports.map((port) => `127.0.0.1:${port}`).join(','),
    // What is due is looked at with each heartbeat.
    LOCKSTEP_AGENT_HEARTBEAT_MS: '300',
  };
  fleet = await startDevFleet({ nodes: 4, queue: 'postgres', transitionMs: 300, withLoaders: ['n2'], env });
  const elsewhere = path.join(folder.path, 'second');
  mkdirSync(elsewhere);
  second = await createFleetServer(elsewhere, undefined, false, {
    ...env,
    LOCKSTEP_AGENT_PORT: String(ports[1]),
    LOCKSTEP_KEYS_DIR: fleet.server.stateDir,
    LOCKSTEP_ARTIFACT_DIR: path.join(fleet.server.stateDir, 'artifacts'),
  });
  await second.start();
}, kernelTestSetupMs);

afterAll(async () => {
  await second.stop();
  await fleet.stop();
  await postgres.stop();
  await folder.remove();
});

it('keys and authorities are changed under rollouts, on both control planes, and nothing is lost', async () => {
  const operator = patientOperator(fleet);
  for (const [index, name] of patches.entries()) {
    const built = await operator.submit(
      name,
      exampleDiff(fleet.release, [letters[index] ?? 'a', letters[(index + 1) % letters.length] ?? 'b'], String(index)),
    );
    expect([name, built.status]).toEqual([name, BuildStatus.BUILD_STATUS_SUCCEEDED]);
  }
  const first = certificatePin(readFileSync(inPki('ca.crt'), 'utf8'));
  const token = readFileSync(path.join(fleet.server.stateDir, 'operator.token'), 'utf8');
  const trusting = (address: string): OperatorClient => {
    const file = [inPki('trusted.crt'), inPki('ca.crt')].find((each) => existsSync(each)) ?? '';
    return connectOperator({ address, ca: readFileSync(file), token });
  };
  const both = (): [OperatorClient, OperatorClient] => [trusting(fleet.server.address), trusting(second.address)];
  let planes = both();

  const rollingOut = (async () => {
    for (const name of patches) {
      const { seq } = await operator.appendOver(name);
      const { status } = await operator.rollOut();
      expect([name, seq > 0, status]).toEqual([name, true, RolloutStatus.ROLLOUT_STATUS_SUCCEEDED]);
    }
  })();
  // It is looked at below; what fails meanwhile shows there.
  rollingOut.catch(() => undefined);

  // It hears nothing of a successor before that one signs.
  const away = fleet.nodes[3];
  await away?.agent.stop();
  const { authority: successor } = await planes[0].access.prepareAuthority({}, late);
  const signs = successor?.sha256 ?? '';
  await expect(planes[1].access.prepareAuthority({}, late)).rejects.toMatchObject({ reason: 'successor-prepared' });
  await untilWaitingFor(planes, ['n4']);
  const early = planes[1].access.activateAuthority({ sha256: signs, withoutWaiting: false }, late);
  await expect(early).rejects.toMatchObject({ reason: 'not-trusted-yet', fields: { nodes: ['n4'] } });
  const stages = async () =>
    (await authorities(planes[1])).authorities.map(({ stage, trustedBy, certifies }) => [stage, trustedBy, certifies]);
  expect(await stages()).toEqual([
    [AuthorityStage.AUTHORITY_STAGE_SIGNS, 4, 4],
    [AuthorityStage.AUTHORITY_STAGE_PREPARED, 3, 0],
  ]);

  await planes[0].fleet.rotateLogKey({ cluster: fleet.cluster }, late);
  await planes[1].access.activateAuthority({ sha256: signs, withoutWaiting: true }, late);
  for (const address of [fleet.server.address, second.address]) {
    const shows = async () => ((await shownBy(address)).slice(1).join() === [signs, first].join() ? true : undefined);
    await eventually('it shows what the successor signed, and who vouches for it', shows, patience);
  }
  away?.agent.start();
  await untilWaitingFor(planes, []);
  expect(await stages()).toEqual([
    [AuthorityStage.AUTHORITY_STAGE_RETIRING, 4, 0],
    [AuthorityStage.AUTHORITY_STAGE_SIGNS, 4, 4],
  ]);

  await planes[0].access.retireAuthority({ sha256: first, withoutWaiting: false }, late);
  for (const each of planes) each.close();
  planes = both();
  for (const address of [fleet.server.address, second.address]) {
    const shows = async () => ((await shownBy(address)).slice(1).join() === signs ? true : undefined);
    await eventually('nobody vouches for it any more', shows, patience);
  }
  // Whoever breaks in from now on finds no key of it.
  await eventually('its key is gone', () => (existsSync(inPki('ca.key')) ? undefined : true), patience);
  await rollingOut;

  // Everybody comes back by what they were given, to whichever control plane.
  for (const node of fleet.nodes) {
    await node.agent.kill();
    node.agent.start();
  }
  await eventually(
    'all are back, in step, by the successor alone',
    async () => {
      const [operatorOfFirst] = planes;
      const { nodes } = await operatorOfFirst.fleet.listNodes({ cluster: fleet.cluster, selector: '', withoutCve: '' });
      const trusts = nodes.map(({ connected, report }) => [
        connected,
        report?.trust?.certifiedBy,
        report?.trust?.authorities.join(),
      ]);
      return trusts.every((each) => each.join() === [true, signs, signs].join()) ? true : undefined;
    },
    patience,
  );
  const entries = await eventually(
    'all hold what is ordered',
    async () => {
      const known = await auditedLog({ ...fleet, operator: planes[0] });
      const faults = [
        ...(await kernelFaults(fleet, known)),
        ...(await journalFaults({ ...fleet, operator: planes[1] }, known)),
      ];
      if (faults.length > 0) throw new Error(faults.join('; '));
      return known;
    },
    patience,
  );
  expect(entries.filter(({ body }) => body.kind === 'load')).toHaveLength(patches.length);
  expect(entries.filter(({ body }) => body.kind === 'rotate')).toHaveLength(1);
  const verified = await lockstep('audit', 'verify', '--timeout', '5m');
  expect([verified.code, verified.stderr]).toEqual([0, '']);
  const { events } = await planes[0].fleet.listEvents({ types: ['rollout.*', 'node.*'], cluster: '', limit: 1000 });
  expect(events.filter(({ type }) => ['rollout.halted', 'rollout.aborted', 'node.failed'].includes(type))).toEqual([]);
  for (const each of planes) each.close();
});
