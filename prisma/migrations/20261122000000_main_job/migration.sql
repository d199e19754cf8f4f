-- SPDX-License-Identifier: GPL-2.0-only
-- CreateEnum
CREATE TYPE "work_status" AS ENUM ('queued', 'running', 'succeeded', 'failed');

-- CreateEnum
CREATE TYPE "rollout_status" AS ENUM ('running', 'succeeded', 'halted', 'superseded');

-- CreateTable
CREATE TABLE "clusters" (
    "name" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "clusters_pkey" PRIMARY KEY ("name")
);

-- CreateTable
CREATE TABLE "join_tokens" (
    "secret_sha256" TEXT NOT NULL,
    "cluster_name" TEXT NOT NULL,
    "node_name" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "used_at" TIMESTAMPTZ(3),
    "public_key_sha256" TEXT,
    "certificate_pem" TEXT,

    CONSTRAINT "join_tokens_pkey" PRIMARY KEY ("secret_sha256")
);

-- CreateTable
CREATE TABLE "nodes" (
    "name" TEXT NOT NULL,
    "cluster_name" TEXT NOT NULL,
    "certificate_fingerprint" TEXT NOT NULL,
    "enrolled_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "kernel_build_id" TEXT,
    "kernel_release" TEXT,
    "boot_id" TEXT,
    "agent_version" TEXT,
    "patched_core" BOOLEAN NOT NULL DEFAULT false,
    "report" JSONB,
    "last_seen_at" TIMESTAMPTZ(3),

    CONSTRAINT "nodes_pkey" PRIMARY KEY ("name")
);

-- CreateTable
CREATE TABLE "kernel_builds" (
    "id" TEXT NOT NULL,
    "release" TEXT NOT NULL,
    "compiler" TEXT NOT NULL,
    "config_sha256" TEXT NOT NULL,
    "added_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "kernel_builds_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "kernel_registrations" (
    "id" UUID NOT NULL,
    "path" TEXT NOT NULL,
    "status" "work_status" NOT NULL DEFAULT 'queued',
    "stage" TEXT NOT NULL DEFAULT '',
    "done" INTEGER NOT NULL DEFAULT 0,
    "total" INTEGER NOT NULL DEFAULT 0,
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "kernel_build_id" TEXT,
    "failure_reason" TEXT,
    "failure_text" TEXT,
    "retryable" BOOLEAN NOT NULL DEFAULT false,
    "queued_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "ended_at" TIMESTAMPTZ(3),

    CONSTRAINT "kernel_registrations_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "patches" (
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "diff" BYTEA NOT NULL,
    "description" TEXT NOT NULL,
    "author" TEXT NOT NULL,
    "cves" TEXT[],
    "submitted_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "patches_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "builds" (
    "id" UUID NOT NULL,
    "patch_id" TEXT NOT NULL,
    "kernel_build_id" TEXT NOT NULL,
    "status" "work_status" NOT NULL DEFAULT 'queued',
    "generation" INTEGER NOT NULL DEFAULT 1,
    "stage" TEXT NOT NULL DEFAULT '',
    "done" INTEGER NOT NULL DEFAULT 0,
    "total" INTEGER NOT NULL DEFAULT 0,
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "artifact_sha256" TEXT,
    "failure_reason" TEXT,
    "failure_text" TEXT,
    "retryable" BOOLEAN NOT NULL DEFAULT false,
    "queued_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "ended_at" TIMESTAMPTZ(3),

    CONSTRAINT "builds_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "artifacts" (
    "sha256" TEXT NOT NULL,
    "size_bytes" INTEGER NOT NULL,
    "kernel_build_id" TEXT NOT NULL,
    "module_name" TEXT NOT NULL,
    "patch_id" TEXT NOT NULL,
    "replace" BOOLEAN NOT NULL,
    "functions" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "artifacts_pkey" PRIMARY KEY ("sha256")
);

-- CreateTable
CREATE TABLE "log_entries" (
    "cluster_name" TEXT NOT NULL,
    "kernel_build_id" TEXT NOT NULL,
    "seq" INTEGER NOT NULL,
    "previous_hash" TEXT NOT NULL,
    "body" JSONB NOT NULL,
    "hash" TEXT NOT NULL,
    "signature" TEXT NOT NULL,
    "appended_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "log_entries_pkey" PRIMARY KEY ("cluster_name","kernel_build_id","seq")
);

-- CreateTable
CREATE TABLE "rollouts" (
    "id" UUID NOT NULL,
    "number" SERIAL NOT NULL,
    "cluster_name" TEXT NOT NULL,
    "kernel_build_id" TEXT NOT NULL,
    "to_seq" INTEGER NOT NULL,
    "canaries" INTEGER NOT NULL,
    "wave_size" INTEGER NOT NULL,
    "status" "rollout_status" NOT NULL DEFAULT 'running',
    "started_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "ended_at" TIMESTAMPTZ(3),

    CONSTRAINT "rollouts_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "rollout_plans" (
    "rollout_id" UUID NOT NULL,
    "generation" INTEGER NOT NULL,
    "plan" JSONB NOT NULL,
    "planned_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "rollout_plans_pkey" PRIMARY KEY ("rollout_id","generation")
);

-- CreateIndex
CREATE INDEX "join_tokens_node_name_idx" ON "join_tokens"("node_name");

-- CreateIndex
CREATE INDEX "nodes_cluster_name_idx" ON "nodes"("cluster_name");

-- CreateIndex
CREATE INDEX "kernel_registrations_status_idx" ON "kernel_registrations"("status");

-- CreateIndex
CREATE UNIQUE INDEX "patches_name_key" ON "patches"("name");

-- CreateIndex
CREATE INDEX "builds_status_idx" ON "builds"("status");

-- CreateIndex
CREATE UNIQUE INDEX "builds_patch_id_kernel_build_id_key" ON "builds"("patch_id", "kernel_build_id");

-- CreateIndex
CREATE UNIQUE INDEX "log_entries_hash_key" ON "log_entries"("hash");

-- CreateIndex
CREATE UNIQUE INDEX "rollouts_number_key" ON "rollouts"("number");

-- CreateIndex
CREATE INDEX "rollouts_cluster_name_kernel_build_id_number_idx" ON "rollouts"("cluster_name", "kernel_build_id", "number");

-- AddForeignKey
ALTER TABLE "join_tokens" ADD CONSTRAINT "join_tokens_cluster_name_fkey" FOREIGN KEY ("cluster_name") REFERENCES "clusters"("name") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "nodes" ADD CONSTRAINT "nodes_cluster_name_fkey" FOREIGN KEY ("cluster_name") REFERENCES "clusters"("name") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "builds" ADD CONSTRAINT "builds_patch_id_fkey" FOREIGN KEY ("patch_id") REFERENCES "patches"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "builds" ADD CONSTRAINT "builds_kernel_build_id_fkey" FOREIGN KEY ("kernel_build_id") REFERENCES "kernel_builds"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "builds" ADD CONSTRAINT "builds_artifact_sha256_fkey" FOREIGN KEY ("artifact_sha256") REFERENCES "artifacts"("sha256") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "artifacts" ADD CONSTRAINT "artifacts_kernel_build_id_fkey" FOREIGN KEY ("kernel_build_id") REFERENCES "kernel_builds"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "artifacts" ADD CONSTRAINT "artifacts_patch_id_fkey" FOREIGN KEY ("patch_id") REFERENCES "patches"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "log_entries" ADD CONSTRAINT "log_entries_cluster_name_fkey" FOREIGN KEY ("cluster_name") REFERENCES "clusters"("name") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "log_entries" ADD CONSTRAINT "log_entries_kernel_build_id_fkey" FOREIGN KEY ("kernel_build_id") REFERENCES "kernel_builds"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "rollouts" ADD CONSTRAINT "rollouts_cluster_name_fkey" FOREIGN KEY ("cluster_name") REFERENCES "clusters"("name") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "rollouts" ADD CONSTRAINT "rollouts_kernel_build_id_fkey" FOREIGN KEY ("kernel_build_id") REFERENCES "kernel_builds"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "rollout_plans" ADD CONSTRAINT "rollout_plans_rollout_id_fkey" FOREIGN KEY ("rollout_id") REFERENCES "rollouts"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- What the schema language cannot say: one rollout in force for each load order, and history that nobody edits.
CREATE UNIQUE INDEX "rollouts_one_running" ON "rollouts" ("cluster_name", "kernel_build_id") WHERE "status" = 'running';

CREATE FUNCTION "refuse_history_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER "log_entries_append_only" BEFORE UPDATE OR DELETE ON "log_entries"
    FOR EACH ROW EXECUTE FUNCTION "refuse_history_change"();

CREATE TRIGGER "rollout_plans_append_only" BEFORE UPDATE OR DELETE ON "rollout_plans"
    FOR EACH ROW EXECUTE FUNCTION "refuse_history_change"();
