// SPDX-License-Identifier: GPL-2.0-only
import { useQuery, type UseQueryResult } from '@tanstack/react-query';
import { answerOf, api } from '../api/client';
import type { PatchMessage, Schemas } from '../api/schemas';
import { functionOf } from './order';
import type { Draft } from './picture';

const mostPatches = 1_000;

/** Newest first. */
export const usePatches = (): UseQueryResult<readonly PatchMessage[]> =>
  useQuery({
    queryKey: ['patches', 'names'],
    queryFn: async ({ signal }): Promise<readonly PatchMessage[]> => {
      const query = { pageSize: mostPatches, readMask: 'name,id,submittedAt,cves' };
      return ((await answerOf(api.GET('/v1/patches', { signal, params: { query } }))).patches ?? []).toReversed();
    },
  });

export interface JudgedDraft {
  readonly draft: Draft;
  readonly judged: Schemas['CheckConflictsResponse'];
}

export interface DraftAsked {
  readonly cluster: string;
  readonly kernelBuildId: string;
  /** Empty: none. */
  readonly patch: string;
  /** The load order's last entry: what is judged is judged again when it grows. */
  readonly head: number;
}

/** What appending the patch would conflict with, appending nothing. */
export const useDraft = ({ cluster, kernelBuildId, patch, head }: DraftAsked): UseQueryResult<JudgedDraft> =>
  useQuery({
    queryKey: ['draft', cluster, kernelBuildId, patch, head],
    queryFn: async ({ signal }): Promise<JudgedDraft> => {
      const asked = { path: { cluster }, query: { patch, kernelBuildId } };
      const judged = await answerOf(api.GET('/v1/clusters/{cluster}/conflicts', { signal, params: asked }));
      const path = { id: judged.buildId ?? '' };
      const { build } = await answerOf(api.GET('/v1/builds/{id}', { signal, params: { path } }));
      const functions = (build?.artifact?.functions ?? []).map(functionOf);
      return { judged, draft: { patchName: patch, functions, builtOnto: new Set(judged.builtOnto ?? []) } };
    },
    enabled: patch !== '' && cluster !== '',
  });
