-- What administrators set of the seed's AuthenticationConfiguration; what they did not set has the service's defaults.

CREATE TABLE authentication_configuration (
    auth_config_id uuid PRIMARY KEY,
    environment text NOT NULL UNIQUE CHECK (environment IN ('development', 'staging', 'production', 'testing')),
    -- Settings by their path, such as {"password_policy.min_length": 12}: only those that were set.
    configuration jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(configuration) = 'object'),
    version bigint NOT NULL DEFAULT 1 CHECK (version > 0),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
