-- SPDX-License-Identifier: GPL-2.0-only
-- Several control planes on one database: who lives, who decides, who holds which node's stream.
CREATE TABLE "replicas" (
    "id" UUID NOT NULL,
    "alive_until" TIMESTAMPTZ(3) NOT NULL,
    CONSTRAINT "replicas_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "leases" (
    "name" TEXT NOT NULL,
    "holder" UUID NOT NULL,
    "token" INTEGER NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    CONSTRAINT "leases_pkey" PRIMARY KEY ("name")
);

-- The transaction that wrote it last: what was written since one looked is what was not visible then, and no more.
ALTER TABLE "nodes" ADD COLUMN "replica_id" UUID,
    ADD COLUMN "changed_in" BIGINT NOT NULL DEFAULT 0;

CREATE FUNCTION "note_node_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.changed_in := pg_current_xact_id()::text::bigint;
    RETURN NEW;
END $$;

CREATE TRIGGER "nodes_note_change" BEFORE INSERT OR UPDATE ON "nodes"
    FOR EACH ROW EXECUTE FUNCTION "note_node_change"();
