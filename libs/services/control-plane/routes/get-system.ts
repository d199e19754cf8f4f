// SPDX-License-Identifier: GPL-2.0-only
import type { GetSystemResponse, SystemDatabase, SystemQueue, SystemStore } from '@lockstep/contracts/generated';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { lockstepVersion } from '@lockstep/platform/runtime';
import type { Uses } from '../services';

interface Timed<T> {
  readonly value: T;
  readonly answerUs: number;
}

async function timed<T>(ask: () => Promise<T>): Promise<Timed<T>> {
  const begun = performance.now();
  const value = await ask();
  return { value, answerUs: Math.round((performance.now() - begun) * 1_000) };
}

/** What cannot be reached is told as that: the page is looked at when something is wrong. */
const problemOf = (error: unknown): string => {
  if (error instanceof LockstepError) return error.message;
  throw error;
};

async function databaseOf({ db }: Uses<'db.server'>): Promise<SystemDatabase> {
  const { value, answerUs } = await timed(() => db.server.look());
  return { ...value, answerUs };
}

async function queueOf({ config, work }: Uses<'config' | 'work'>): Promise<SystemQueue> {
  const kind = config.redisUrl === undefined ? 'postgres' : 'redis';
  try {
    const { value, answerUs } = await timed(() => work.look());
    return { kind, ...value, workers: [...value.workers], answerUs, problem: '' };
  } catch (error) {
    return { kind, waiting: 0, active: 0, workers: [], answerUs: 0, problem: problemOf(error) };
  }
}

async function storeOf({ config, artifacts }: Uses<'config' | 'artifacts'>): Promise<SystemStore> {
  const { kind } = config.artifacts;
  const mostBytes = config.storeMaxBytes;
  try {
    const [kept, disk] = await Promise.all([artifacts.list(), artifacts.disk()]);
    const bytes = kept.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    const { totalBytes: diskBytes = 0, availableBytes = 0 } = disk ?? {};
    return { kind, files: kept.length, bytes, mostBytes, diskBytes, availableBytes, problem: '' };
  } catch (error) {
    return { kind, files: 0, bytes: 0, mostBytes, diskBytes: 0, availableBytes: 0, problem: problemOf(error) };
  }
}

/** What this control plane stands on, and how that is. */
export async function getSystem(
  services: Uses<'db.server' | 'config' | 'work' | 'artifacts' | 'replica' | 'sessions' | 'metrics'>,
): Promise<GetSystemResponse> {
  const { replica, sessions, metrics } = services;
  const [database, queue, store, limits] = await Promise.all([
    databaseOf(services),
    queueOf(services),
    storeOf(services),
    metrics.limitedTimes(),
  ]);
  return {
    version: lockstepVersion,
    nodeVersion: process.versions.node,
    startedAt: new Date(Math.round(performance.timeOrigin)),
    replicas: [
      { id: replica.id, answers: true, leads: replica.leads() },
      ...replica.others().map((id) => ({ id, answers: false, leads: false })),
    ],
    ...{ database, queue, store },
    agentStreams: sessions.size,
    limits: limits.filter(({ times }) => times > 0),
  };
}
