-- Until when the certificate is good that a node's last stream began with.
ALTER TABLE "nodes" ADD COLUMN "certificate_ends_at" TIMESTAMPTZ(3);
