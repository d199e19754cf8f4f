-- SPDX-License-Identifier: GPL-2.0-only
-- What a second person has said of an emergency, afterwards.
CREATE TABLE "rollout_confirmations" (
    "rollout_id" UUID NOT NULL,
    "given_by" TEXT NOT NULL,
    "reason" TEXT NOT NULL DEFAULT '',
    "given_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "rollout_confirmations_pkey" PRIMARY KEY ("rollout_id")
);

ALTER TABLE "rollout_confirmations" ADD CONSTRAINT "rollout_confirmations_rollout_id_fkey" FOREIGN KEY ("rollout_id")
    REFERENCES "rollouts"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

CREATE TRIGGER "rollout_confirmations_append_only" BEFORE UPDATE OR DELETE ON "rollout_confirmations"
    FOR EACH ROW EXECUTE FUNCTION "refuse_history_change"();

-- Emergencies are few, and asked for with every look at the clusters.
CREATE INDEX "rollouts_emergencies_idx" ON "rollouts" ("number") WHERE "rules" ? 'breakGlass';
