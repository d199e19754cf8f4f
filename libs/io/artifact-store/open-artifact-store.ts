// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { z } from 'zod';
import type { ArtifactStore } from './artifact-store';
import { openFolderStore } from './folder-store';
import { openS3Store, type S3Place } from './s3-store';

/** Where artifacts are kept: a folder that all who need it see, or a bucket. */
export type StorePlace =
  | { readonly kind: 'folder'; readonly dir: string; readonly maxArtifactBytes?: number | undefined }
  | { readonly kind: 's3'; readonly s3: S3Place; readonly maxArtifactBytes?: number | undefined };

/** A folder may be given by its path alone. */
export async function openArtifactStore(place: string | StorePlace): Promise<ArtifactStore> {
  if (typeof place === 'string') return openFolderStore(place);
  switch (place.kind) {
    case 'folder':
      return openFolderStore(place.dir, place.maxArtifactBytes);
    case 's3':
      return openS3Store(place.s3, place.maxArtifactBytes);
  }
}

const writtenSchema = z.object({
  LOCKSTEP_S3_ENDPOINT: z.url({ protocol: /^https?$/ }).optional(),
  LOCKSTEP_S3_BUCKET: z.string().min(1).optional(),
  LOCKSTEP_S3_REGION: z.string().min(1).default('us-east-1'),
  LOCKSTEP_S3_PREFIX: z
    .string()
    .regex(/^[\w./-]*$/)
    .default(''),
  LOCKSTEP_S3_ACCESS_KEY_ID: z.string().min(1).optional(),
  LOCKSTEP_S3_SECRET_ACCESS_KEY: z.string().min(1).optional(),
  LOCKSTEP_MAX_ARTIFACT_BYTES: z.coerce.number().int().min(4096).optional(),
});

/**
 * The store that the environment names: a bucket with `LOCKSTEP_S3_ENDPOINT`, otherwise the folder.
 * @throws LockstepError `invalid-config`, naming the variables
 */
export function readStorePlace(env: Readonly<NodeJS.ProcessEnv>, dir: string): StorePlace {
  // An empty variable is as good as none: compose files set them so.
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const written = writtenSchema.safeParse(given);
  if (!written.success) throw invalidConfig(z.prettifyError(written.error));
  const { data } = written;
  const maxArtifactBytes = data.LOCKSTEP_MAX_ARTIFACT_BYTES;
  const endpoint = data.LOCKSTEP_S3_ENDPOINT;
  if (endpoint === undefined) return { kind: 'folder', dir, maxArtifactBytes };
  const required = ['LOCKSTEP_S3_BUCKET', 'LOCKSTEP_S3_ACCESS_KEY_ID', 'LOCKSTEP_S3_SECRET_ACCESS_KEY'] as const;
  const [bucket = '', accessKeyId = '', secretAccessKey = ''] = required.map((name) => data[name]);
  const absent = required.filter((name) => data[name] === undefined);
  if (absent.length > 0) throw invalidConfig(`with LOCKSTEP_S3_ENDPOINT, set ${absent.join(', ')} too`);
  const { LOCKSTEP_S3_REGION: region, LOCKSTEP_S3_PREFIX: prefix } = data;
  return { kind: 's3', s3: { endpoint, bucket, region, accessKeyId, secretAccessKey, prefix }, maxArtifactBytes };
}

function invalidConfig(found: string): LockstepError {
  return new LockstepError('invalid-input', 'invalid-config', `The artifact store's configuration is wrong:\n${found}`);
}
