-- Clouds beyond this one, after the seed's cloud_providers.
--
-- Changed from the seed: the enum types stand before the table that uses them, names are unique, times have a zone, defaults that
-- must not be null are not.

CREATE TYPE provider_type_enum AS ENUM ('aws', 'azure', 'gcp', 'on_premise', 'hybrid');
CREATE TYPE provider_health_enum AS ENUM ('healthy', 'degraded', 'unhealthy', 'unknown');

CREATE TABLE cloud_providers (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    name text NOT NULL CHECK (length(name) <= 255),
    provider_type provider_type_enum NOT NULL,
    -- host:port of its API.
    endpoint text NOT NULL CHECK (length(endpoint) <= 260),
    regions jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(regions) = 'array'),
    -- An envelope that opens in this row only: see shared/novacron/sealing.py.
    credentials_encrypted text NOT NULL,
    config jsonb NOT NULL DEFAULT '{}',
    capabilities jsonb NOT NULL DEFAULT '{}',
    pricing_model jsonb,
    health_status provider_health_enum NOT NULL DEFAULT 'unknown',
    -- In words, and in our own: what the other side said may repeat what it was sent.
    health_message text NOT NULL DEFAULT '',
    -- For provider types that are asked by HTTP.
    health_check_url text CHECK (length(health_check_url) <= 500),
    last_health_check timestamptz,
    health_check_interval interval NOT NULL DEFAULT '5 minutes' CHECK (health_check_interval > '0'),
    -- When it is to be asked again: whoever moves this on has the right to ask, so replicas share the work.
    due_at timestamptz NOT NULL DEFAULT now(),
    enabled boolean NOT NULL DEFAULT true,
    priority bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),

    CONSTRAINT cloud_providers_name_key UNIQUE (name)
);

CREATE INDEX idx_cloud_providers_type ON cloud_providers (provider_type);
CREATE INDEX idx_cloud_providers_enabled ON cloud_providers (enabled);
CREATE INDEX cloud_providers_list_idx ON cloud_providers (created_at, id);
CREATE INDEX cloud_providers_due_idx ON cloud_providers (due_at) WHERE enabled;
