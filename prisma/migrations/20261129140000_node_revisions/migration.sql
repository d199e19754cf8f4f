-- SPDX-License-Identifier: GPL-2.0-only
-- Of two readings of a node's row the later one: which transaction wrote it does not tell, for the earlier may end later.
CREATE SEQUENCE "nodes_revision";

ALTER TABLE "nodes" ADD COLUMN "revision" BIGINT NOT NULL DEFAULT 0;

-- The row is locked by then, so its revisions are in the order of its versions.
CREATE OR REPLACE FUNCTION "note_node_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.changed_in := pg_current_xact_id()::text::bigint;
    NEW.revision := nextval('nodes_revision');
    -- A new life of it: whoever holds the stream of the one before holds none of this one.
    IF TG_OP = 'UPDATE' AND NEW.enrolled_at <> OLD.enrolled_at THEN
        NEW.replica_id := NULL;
    END IF;
    RETURN NEW;
END $$;
