-- SPDX-License-Identifier: GPL-2.0-only
-- Rollouts go by rules, and are told to pause, to go on, to stop or to try again.
ALTER TYPE "rollout_status" ADD VALUE 'paused' BEFORE 'succeeded';
ALTER TYPE "rollout_status" ADD VALUE 'aborted' BEFORE 'superseded';

ALTER TABLE "rollouts" ADD COLUMN "rules" JSONB;

-- What was asked for stays; nobody had allowed any failure.
UPDATE "rollouts" SET "rules" = jsonb_build_object(
    'canaries', "canaries",
    'waves', jsonb_build_array(
        CASE WHEN "wave_size" = 0 THEN jsonb_build_object('percent', 100) ELSE jsonb_build_object('nodes', "wave_size") END),
    'allowedFailures', jsonb_build_object('nodes', 0),
    'atOnce', NULL,
    'haltsOnCrash', true,
    'deadlineMs', 900000);

ALTER TABLE "rollouts" ALTER COLUMN "rules" SET NOT NULL, DROP COLUMN "canaries", DROP COLUMN "wave_size";

CREATE TYPE "rollout_order_kind" AS ENUM ('pause', 'resume', 'abort', 'retry');

CREATE TABLE "rollout_orders" (
    "rollout_id" UUID NOT NULL,
    "generation" INTEGER NOT NULL,
    "kind" "rollout_order_kind" NOT NULL,
    "reason" TEXT NOT NULL,
    "nodes" TEXT[] NOT NULL DEFAULT ARRAY[]::TEXT[],
    "given_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "rollout_orders_pkey" PRIMARY KEY ("rollout_id", "generation")
);

ALTER TABLE "rollout_orders" ADD CONSTRAINT "rollout_orders_rollout_id_fkey" FOREIGN KEY ("rollout_id")
    REFERENCES "rollouts"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

CREATE TRIGGER "rollout_orders_append_only" BEFORE UPDATE OR DELETE ON "rollout_orders"
    FOR EACH ROW EXECUTE FUNCTION "refuse_history_change"();
