-- Lists of deployments by two and more of their closed sets at once, with an App and without.
CREATE INDEX deployments_app_kinds ON deployments (app_id, kind, state, trigger_kind, id);
CREATE INDEX deployments_kinds ON deployments (kind, state, trigger_kind, id);
-- With an App, what those see who do not see production.
CREATE INDEX deployments_app_kind ON deployments (app_id, kind, id);
-- By environment and by Release, the closed sets at hand, so that deployments are counted without being read.
DROP INDEX deployments_environment;
CREATE INDEX deployments_environment ON deployments (environment_id, id, kind, state, trigger_kind);
DROP INDEX deployments_release;
CREATE INDEX deployments_release ON deployments (release_id, id, kind, state, trigger_kind);
