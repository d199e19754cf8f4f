// SPDX-License-Identifier: GPL-2.0-only
import { parseClusterName, parseKernelBuildId, parseNodeName } from '@lockstep/domain/livepatch-model';
import { z } from 'zod';
import type { Topic } from '../change-notifier';

const cluster = z.string().transform(parseClusterName);
const kernelBuild = z.string().transform(parseKernelBuildId);
const node = z.string().transform(parseNodeName);

/** Of rollouts there is more to say. */
const topic = z.union([
  z.enum(['audit', 'events']),
  z.templateLiteral(['build:', z.string()]),
  z.templateLiteral(['registration:', z.string()]),
  z.templateLiteral(['campaign:', z.string()]),
]);

const form = z.discriminatedUnion('kind', [
  /** A load order has grown. */
  z.object({ kind: z.literal('log'), cluster, kernelBuild }),
  /** A rollout of the cluster was begun, or has a new plan. */
  z.object({ kind: z.literal('rollouts'), cluster }),
  /** A window or a freeze came or went. */
  z.object({ kind: z.literal('schedules') }),
  /** What nodes said was written. */
  z.object({ kind: z.literal('reports') }),
  /** It was removed or revoked, has enrolled, has another certificate or other labels. */
  z.object({ kind: z.literal('node'), node }),
  /** A successor of the authority was prepared, has taken over, or the one before was retired. */
  z.object({ kind: z.literal('authorities') }),
  /** An access token was made, or revoked. */
  z.object({ kind: z.literal('tokens') }),
  /** Whoever waits for it reads it again. */
  z.object({ kind: z.literal('changed'), topic }),
  /** An operator wants something of a node, or it was done. */
  z.object({ kind: z.literal('node-orders') }),
]);

export type PlainTopic = z.infer<typeof topic>;

/** Whatever the others need to know of it is that it has changed. */
export const isPlainTopic = (text: Topic): text is PlainTopic => topic.safeParse(text).success;

/** What control planes of one database tell one another. */
export type News = z.infer<typeof form>;

const envelope = z.object({ from: z.string(), news: form });

export const writeNews = (from: string, news: News): string => JSON.stringify({ from, news });

/** Undefined of what a newer version says. */
export function readNews(text: string): { readonly from: string; readonly news: News } | undefined {
  try {
    return envelope.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}
