// SPDX-License-Identifier: GPL-2.0-only
import { hostname } from 'node:os';
import path from 'node:path';
import { createCertificateRequest } from '@lockstep/io/certificates';
import {
  createBackOff,
  enrol,
  parseAddress,
  parseAddresses,
  pause,
  reachableAddress,
  showAddresses,
} from '@lockstep/io/rpc-client';
import {
  LockstepError,
  parseClusterName,
  parseNodeName,
  type ClusterName,
  type NodeName,
} from '@lockstep/domain/livepatch-model';
import { parseLogKey, type LogKey } from '@lockstep/domain/load-order';
import { readIfPresent, readOrCreate, writePrivateFile } from '@lockstep/platform/runtime';
import type { Log } from './logger';
import { readAuthorities } from './trusted-authorities';

/** Who this node is, and whom it trusts from its enrolment on. */
export interface NodeIdentity {
  readonly node: NodeName;
  readonly cluster: ClusterName;
  readonly certificate: string;
  readonly key: string;
  /** The CA, pinned by the join token, and what came in its place since; PEM, one after the other. */
  readonly ca: string;
  /** Ed25519 SPKI PEM of who signs the load order. */
  readonly logPublicKey: string;
  /** The key that had taken its place when the node enrolled. */
  readonly newestLogKey?: LogKey | undefined;
  /** host:port of the agent port; of several control planes all, with commas between. */
  readonly agentAddress: string;
}

type StoredIdentity = Omit<NodeIdentity, 'key'>;

export interface Enrolment {
  /** host:port of the agents' port, or of the operators'. */
  readonly server: string;
  readonly joinToken: string;
  /** What this machine is called, for a token that is for many; by default as its kernel says. */
  readonly machine?: string;
}

const identityFile = (stateDir: string): string => path.join(stateDir, 'identity.json');
const keyFile = (stateDir: string): string => path.join(stateDir, 'node.key');

/** Whole or not at all: what is there is good until then. The key is kept in a file of its own, and stays. */
export async function keepIdentity(stateDir: string, identity: StoredIdentity): Promise<void> {
  const { node, cluster, certificate, ca, logPublicKey, newestLogKey, agentAddress } = identity;
  const stored: StoredIdentity = {
    node,
    cluster,
    certificate,
    ca,
    logPublicKey,
    agentAddress,
    ...(newestLogKey && { newestLogKey }),
  };
  await writePrivateFile(identityFile(stateDir), JSON.stringify(stored, undefined, 2));
}

/** The identity of an earlier enrolment, if there was one. @throws LockstepError `corrupt`. */
export async function readIdentity(stateDir: string): Promise<NodeIdentity | undefined> {
  const file = identityFile(stateDir);
  const [text, key] = [await readIfPresent(file), await readIfPresent(keyFile(stateDir))];
  if (text === undefined) return undefined;
  try {
    if (key === undefined) throw new Error('the key is missing');
    return { ...(JSON.parse(text) as StoredIdentity), key };
  } catch (cause) {
    const message = `${file} cannot be used: restore it with ${keyFile(stateDir)}, or remove both and enrol again.`;
    throw new LockstepError('corrupt', 'identity-damaged', message, { file }, { cause });
  }
}

/**
 * Enrols, trying again for as long as the server cannot be reached. The key is kept before it is used: after a crash
 * in between, the same token is good for the same key. One that was revoked is replaced.
 */
export async function enrolNode(
  stateDir: string,
  { server, joinToken, machine = hostname().toLowerCase() }: Enrolment,
  log: Log,
  signal: AbortSignal,
): Promise<NodeIdentity> {
  let key = await readOrCreate(keyFile(stateDir), async () => (await createCertificateRequest()).privateKeyPem);
  let { requestPem } = await createCertificateRequest(key);
  const backOff = createBackOff({ firstMs: 500, maxMs: 15_000 });
  for (;;) {
    try {
      const answer = await enrol({ address: server, joinToken, certificateRequest: requestPem, machine, signal });
      const stored: StoredIdentity = {
        node: parseNodeName(answer.node),
        cluster: parseClusterName(answer.cluster),
        certificate: answer.certificate,
        // The pinned one's word counts for the others too: it has certified whoever answered.
        ca: answer.caCertificates === '' ? answer.caCertificate : readAuthorities(answer.caCertificates),
        logPublicKey: answer.logPublicKey,
        ...(answer.newestLogPublicKey === '' ? {} : { newestLogKey: parseLogKey(answer.newestLogPublicKey) }),
        agentAddress: showAddresses(
          parseAddresses(answer.agentAddress).map((address) => reachableAddress(address, parseAddress(server))),
        ),
      };
      await keepIdentity(stateDir, stored);
      log('info', 'enrolled', { node: stored.node, cluster: stored.cluster });
      return { ...stored, key };
    } catch (error) {
      if (!(error instanceof LockstepError) || signal.aborted) throw error;
      if (error.reason === 'key-revoked') {
        // Whoever has that key is no node any more; this machine has been given a token to become one anew.
        ({ privateKeyPem: key, requestPem } = await createCertificateRequest());
        await writePrivateFile(keyFile(stateDir), key);
      } else if (error.kind !== 'unavailable') throw error;
      log('warn', 'enrolment failed, trying again', { reason: error.reason, problem: error.message });
      await pause(backOff.nextMs(), signal);
    }
  }
}
