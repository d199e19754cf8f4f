-- SPDX-License-Identifier: GPL-2.0-only
-- CreateTable
CREATE TABLE "control_plane_keys" (
    "only" BOOLEAN NOT NULL DEFAULT true,
    "database_id" UUID NOT NULL,
    "ca_pin_sha256" TEXT NOT NULL,
    "log_key_sha256" TEXT NOT NULL,
    "bound_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "control_plane_keys_pkey" PRIMARY KEY ("only"),
    CONSTRAINT "control_plane_keys_one" CHECK ("only")
);

-- What a database was bound to, it stays bound to.
CREATE TRIGGER "control_plane_keys_append_only" BEFORE UPDATE OR DELETE ON "control_plane_keys"
    FOR EACH ROW EXECUTE FUNCTION "refuse_history_change"();

-- What the schema language cannot say: the module that an entry names, for each download and for the store's keeper.
CREATE INDEX "log_entries_artifact_sha256" ON "log_entries" (("body" -> 'artifact' ->> 'sha256'));

-- CreateIndex
CREATE INDEX "join_tokens_expires_at_idx" ON "join_tokens"("expires_at");
