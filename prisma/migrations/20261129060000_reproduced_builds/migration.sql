-- Builds that two workers do before what they built is signed, and whose key the kernel is to check a module by.
ALTER TABLE "builds" ADD COLUMN "reproduce" BOOLEAN NOT NULL DEFAULT false;
ALTER TABLE "artifacts" ADD COLUMN "module_signer" TEXT;
