-- SPDX-License-Identifier: GPL-2.0-only
-- CreateTable
CREATE TABLE "audit_events" (
    "id" BIGSERIAL NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "who" TEXT NOT NULL,
    "token" TEXT NOT NULL,
    "from" TEXT NOT NULL,
    "call" TEXT NOT NULL,
    "on" TEXT NOT NULL,
    "details" TEXT NOT NULL,
    "because" TEXT NOT NULL,
    "result" TEXT NOT NULL,
    "seq" INTEGER,
    "previous_hash" TEXT,
    "hash" TEXT,

    CONSTRAINT "audit_events_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "audit_events_seq_key" ON "audit_events"("seq");

-- What waits for its place.
CREATE INDEX "audit_events_unchained" ON "audit_events"("id") WHERE "seq" IS NULL;

-- CreateTable
CREATE TABLE "audit_checkpoints" (
    "seq" INTEGER NOT NULL,
    "hash" TEXT NOT NULL,
    "signature" TEXT NOT NULL,
    "signed_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "audit_checkpoints_pkey" PRIMARY KEY ("seq")
);

-- An event gets its place once; nothing else of it ever changes. Whoever may switch this off is found out by the chain.
CREATE FUNCTION "refuse_audit_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD."seq" IS NULL
        AND to_jsonb(NEW) - 'seq' - 'previous_hash' - 'hash' = to_jsonb(OLD) - 'seq' - 'previous_hash' - 'hash' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'what was audited is never changed';
END
$$;

CREATE TRIGGER "audit_events_append_only" BEFORE UPDATE OR DELETE ON "audit_events"
    FOR EACH ROW EXECUTE FUNCTION "refuse_audit_change"();

CREATE TRIGGER "audit_checkpoints_append_only" BEFORE UPDATE OR DELETE ON "audit_checkpoints"
    FOR EACH ROW EXECUTE FUNCTION "refuse_history_change"();
