-- The registry of the seed's Phase 18 model: which services there are, and the processes that run them.
--
-- Changed from the seed: a service is unique by environment, name and version, not by name alone, so that two releases can run
-- side by side; versions are full semantic versions; URLs may be grpc://, grpcs:// and unix: too.

CREATE TABLE service_registry (
    service_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    service_name text NOT NULL CHECK (service_name ~ '^[a-z0-9_-]{1,255}$'),
    service_version text NOT NULL CHECK (length(service_version) <= 50),
    service_type text NOT NULL,
    environment text NOT NULL,
    -- Where the process that registered last listens; every process stands in service_instances.
    base_url text NOT NULL,
    health_check_url text NOT NULL,
    status text NOT NULL DEFAULT 'unknown',
    configuration jsonb NOT NULL DEFAULT '{}',
    labels jsonb NOT NULL DEFAULT '{}',
    annotations jsonb NOT NULL DEFAULT '{}',
    -- Grows with every change that a watcher should see. Not a sequence over the table: two transactions may commit in the
    -- other order than they drew their numbers, and whoever asks for "all after n" would miss one.
    revision bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deployed_at timestamptz,

    CONSTRAINT service_registry_key UNIQUE (environment, service_name, service_version),
    CONSTRAINT valid_service_type CHECK (
        service_type IN ('api_gateway', 'microservice', 'worker_service', 'scheduler_service', 'data_service')
    ),
    CONSTRAINT valid_environment CHECK (environment IN ('development', 'staging', 'production', 'testing')),
    CONSTRAINT valid_status CHECK (status IN ('unknown', 'healthy', 'degraded', 'unhealthy', 'maintenance')),
    CONSTRAINT valid_base_url CHECK (base_url ~ '^(https?://|grpcs?://|unix:)' AND length(base_url) <= 500),
    CONSTRAINT valid_health_check_url CHECK (
        health_check_url ~ '^(https?://|grpcs?://|unix:)' AND length(health_check_url) <= 500
    )
);

CREATE INDEX idx_service_registry_type_env ON service_registry (service_type, environment);
CREATE INDEX idx_service_registry_status ON service_registry (status);
CREATE INDEX idx_service_registry_updated ON service_registry (updated_at);

-- One row per process.
CREATE TABLE service_instances (
    instance_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    service_id uuid NOT NULL REFERENCES service_registry (service_id) ON DELETE CASCADE,
    -- Repeated from the service, so that a process that comes back in another version takes its own row along.
    environment text NOT NULL,
    service_name text NOT NULL,
    instance text NOT NULL CHECK (length(instance) BETWEEN 1 AND 255),
    endpoint text NOT NULL DEFAULT '',
    mesh_endpoint text NOT NULL,
    status text NOT NULL DEFAULT 'unknown' CHECK (status IN ('unknown', 'healthy', 'unhealthy')),
    status_message text NOT NULL DEFAULT '',
    lease_until timestamptz NOT NULL,
    -- When it is to be asked again: whoever moves this on has the right to ask, so replicas share the work.
    due_at timestamptz NOT NULL DEFAULT now(),
    last_health_check timestamptz,
    started_at timestamptz,

    CONSTRAINT service_instances_key UNIQUE (environment, service_name, instance)
);

CREATE INDEX service_instances_service_idx ON service_instances (service_id, instance);
CREATE INDEX service_instances_due_idx ON service_instances (due_at);
CREATE INDEX service_instances_lease_idx ON service_instances (lease_until);
