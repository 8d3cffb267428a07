-- Custom domains: host names that people want environments to answer on, with the proof that they may. A host that is
-- proved belongs to one environment; claims that are not stand in nobody's way.
CREATE TABLE domains (
    id TEXT PRIMARY KEY,
    environment_id TEXT NOT NULL REFERENCES environments (id),
    host TEXT NOT NULL,
    token TEXT NOT NULL,
    proved_at BIGINT,
    deployed_at BIGINT,
    tls TEXT NOT NULL,
    certificate TEXT,
    certificate_sealed BLOB,
    certificate_expires_at BIGINT,
    findings TEXT,
    issuance TEXT,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL
);
CREATE UNIQUE INDEX domains_environment ON domains (environment_id, host);
CREATE UNIQUE INDEX domains_proved ON domains (host) WHERE proved_at IS NOT NULL;
CREATE UNIQUE INDEX domains_deployed ON domains (environment_id) WHERE deployed_at IS NOT NULL;

-- Where an environment's ingress is: as given, and as its cluster said last.
ALTER TABLE environments ADD COLUMN ingress_address TEXT NOT NULL DEFAULT '';
ALTER TABLE environments ADD COLUMN ingress_seen TEXT;
-- The host that a content makes its environment answer on, as far as that is Landfall's to say.
ALTER TABLE contents ADD COLUMN host TEXT;
-- Which domain a deployment is about.
ALTER TABLE deployments ADD COLUMN domain_id TEXT;
-- The template of domain values stands among the settings from now on, with what else an App says of domains.
UPDATE apps SET settings = json_set(settings, '$.domains', json_object('template', domain_template))
    WHERE domain_template IS NOT NULL;
