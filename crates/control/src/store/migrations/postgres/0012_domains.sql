-- Custom domains: host names that people want environments to answer on, with the proof that they may. A host that is
-- proved belongs to one environment; claims that are not stand in nobody's way.
CREATE TABLE domains (
    id TEXT COLLATE "C" PRIMARY KEY,
    environment_id TEXT COLLATE "C" NOT NULL REFERENCES environments (id),
    host TEXT COLLATE "C" NOT NULL,
    token TEXT COLLATE "C" NOT NULL,
    proved_at BIGINT,
    deployed_at BIGINT,
    tls TEXT COLLATE "C" NOT NULL,
    certificate TEXT COLLATE "C",
    certificate_sealed BYTEA,
    certificate_expires_at BIGINT,
    findings TEXT COLLATE "C",
    issuance TEXT COLLATE "C",
    created_at BIGINT NOT NULL,
    created_by TEXT COLLATE "C" NOT NULL
);
CREATE UNIQUE INDEX domains_environment ON domains (environment_id, host);
CREATE UNIQUE INDEX domains_proved ON domains (host) WHERE proved_at IS NOT NULL;
CREATE UNIQUE INDEX domains_deployed ON domains (environment_id) WHERE deployed_at IS NOT NULL;

-- Where an environment's ingress is: as given, and as its cluster said last.
ALTER TABLE environments ADD COLUMN ingress_address TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE environments ADD COLUMN ingress_seen TEXT COLLATE "C";
-- The host that a content makes its environment answer on, as far as that is Landfall's to say.
ALTER TABLE contents ADD COLUMN host TEXT COLLATE "C";
-- Which domain a deployment is about.
ALTER TABLE deployments ADD COLUMN domain_id TEXT COLLATE "C";
-- The template of domain values stands among the settings from now on, with what else an App says of domains.
UPDATE apps SET settings = (settings::jsonb || jsonb_build_object('domains', jsonb_build_object('template', domain_template)))::text
    WHERE domain_template IS NOT NULL;
