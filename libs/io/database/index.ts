// SPDX-License-Identifier: GPL-2.0-only
export type { AuditHead, AuditStore, Chained, ChainedBatch, UnchainedEvent } from './audit';
export type { AccessTokenRecord, AccessTokenStore, NewAccessToken } from './access-tokens';
export type { ArtifactReferences } from './artifact-references';
export type {
  BuildFilter,
  BuildLogRow,
  BuildPriority,
  BuildRecord,
  BuildResult,
  BuildRun,
  BuildStore,
  BuildWish,
  BuiltRecord,
  ExplanationRow,
} from './builds';
export { DoneBefore, type CallAnswerStore, type CallName, type KeptCall } from './call-answers';
export type {
  CampaignMemberRecord,
  CampaignRecord,
  CampaignStore,
  CampaignSummary,
  NewCampaign,
  NewCampaignOrder,
} from './campaigns';
export type { ApprovalPolicy, ClusterRecord, ClusterSettings, ClusterStore } from './clusters';
export { explainDatabaseError, isDatabaseAway } from './database-errors';
export { openDatabase, type Database, type DatabaseOptions } from './database';
export type { AddedEvent, EventRecord, EventStore, ToldEvent } from './events';
export { startEmbeddedPostgres, type EmbeddedPostgres, type EmbeddedPostgresOptions } from './embedded-postgres';
export type { Enrolment, GoodToken, JoinTokenStore, NewBulkJoinToken, NewJoinToken, Redemption } from './join-tokens';
export type {
  KernelBuildFacts,
  KernelBuildRecord,
  KernelBuildStore,
  RegistrationRecord,
  RegistrationStore,
} from './kernel-builds';
export type { AuthorityStore } from './authorities';
export type { KeyBinding, KeyBindingStore, LastEntry } from './key-binding';
export type { KernelCopyRecord, KernelCopyStore } from './kernel-copies';
export type { Appending, HeadTime, LoadOrderStore } from './load-orders';
export { migrateDatabase } from './migrate';
export { openQueueRole, type QueueRole, type QueueRoleOptions } from './queue-role';
export { nodeRemoved, unknownNode } from './nodes';
export type { NodeOrder, NodeOrderStore } from './node-orders';
export type { BegunStream, NodeIdentity, NodeIntroduction, NodeRecord, NodeStore, NodeStream, NodeWord } from './nodes';
export type { PatchContent, PatchRecord, PatchStore } from './patches';
export { Announcements, type AnnouncementOptions } from './announcements';
export type { Beat, Fence, NodeChanges, ReplicaStore } from './replicas';
export type { RolloutFilter, RolloutSummary } from './rollout-pages';
export type { PageRange, RowKey } from './row-key';
export type { UnconfirmedRecord } from './emergencies';
export type { GivenOrder, MemberRolloutRow, NewRollout, RolloutRecord, RolloutStatus, RolloutStore } from './rollouts';
export type { FreezeRecord, ScheduleStore, WindowRecord } from './schedules';
export type { NewWebhook, WebhookRecord, WebhookStore } from './webhooks';
export type { WorkFailure, WorkProgress, WorkState, WorkStatus } from './work';
