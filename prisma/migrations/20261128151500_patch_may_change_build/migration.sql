-- A diff that changes what the build itself runs, by the word of who submitted it.
ALTER TABLE "patches" ADD COLUMN "may_change_build" BOOLEAN NOT NULL DEFAULT false;
