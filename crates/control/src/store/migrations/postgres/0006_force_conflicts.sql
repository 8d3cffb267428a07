-- Whether a deployment takes over fields that other managers own.
ALTER TABLE deployments ADD COLUMN force_conflicts BOOLEAN NOT NULL DEFAULT FALSE;
