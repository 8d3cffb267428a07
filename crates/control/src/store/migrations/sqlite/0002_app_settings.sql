-- Settings of an App in revisions, the keys it trusts, and who signed the chart of a Release.
ALTER TABLE apps ADD COLUMN settings_revision BIGINT NOT NULL DEFAULT 0;
ALTER TABLE apps ADD COLUMN keyring_object TEXT;
ALTER TABLE releases ADD COLUMN signature TEXT;
