-- The queue is fair between Apps: each queued and each running Op is counted for its App. Servers that do not know the
-- column yet leave it empty during an upgrade; whoever takes from the queue fills it in.
ALTER TABLE ops ADD COLUMN app_id TEXT COLLATE "C" REFERENCES apps (id);
UPDATE ops SET app_id = (SELECT e.app_id FROM environments e WHERE e.id = ops.environment_id)
WHERE state IN ('queued', 'running');
CREATE INDEX ops_queue_app ON ops (app_id, seq) WHERE state = 'queued';
CREATE INDEX ops_running_app ON ops (app_id) WHERE state = 'running';

-- Which object store the rows go with: a server on another one would find nothing of what they name.
ALTER TABLE account ADD COLUMN objects_id TEXT COLLATE "C";
