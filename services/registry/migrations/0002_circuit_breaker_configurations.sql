-- How the breakers between services behave: the CircuitBreakerConfiguration of the seed's Phase 18 model.
--
-- Changed from the seed: caller and target are services by name, not rows of service_registry, so that a configuration outlives
-- releases and may come before its service; a column that is null overrides nothing; current_state is what operators force and
-- not what one of many processes happens to be in, and with it failure_count, success_count and state_changed_at are asked of the
-- processes themselves.

CREATE TABLE circuit_breaker_configurations (
    circuit_breaker_id uuid PRIMARY KEY,
    environment text NOT NULL,
    service_name text NOT NULL CHECK (service_name ~ '^[a-z0-9_-]{1,255}$'),
    target_service_name text NOT NULL CHECK (target_service_name ~ '^[a-z0-9_-]{1,255}$'),
    breaker_class text NOT NULL DEFAULT '' CHECK (breaker_class ~ '^[A-Za-z0-9_.-]{0,255}$'),

    failure_threshold integer CHECK (failure_threshold >= 1),
    failure_rate double precision CHECK (failure_rate > 0 AND failure_rate <= 1),
    minimum_request_threshold integer CHECK (minimum_request_threshold >= 1),
    monitoring_window_seconds double precision CHECK (monitoring_window_seconds > 0),
    monitoring_window_calls integer CHECK (monitoring_window_calls BETWEEN 1 AND 10000),
    failure_criteria text[] CHECK (
        failure_criteria <@ ARRAY['unavailable', 'timeout', 'overload', 'server_error', 'slow_call']
    ),
    timeout_threshold_ms integer CHECK (timeout_threshold_ms >= 1),
    slow_rate double precision CHECK (slow_rate > 0 AND slow_rate <= 1),
    fair_timeout_ms integer CHECK (fair_timeout_ms >= 0),
    recovery_strategy text CHECK (
        recovery_strategy IN ('exponential_backoff', 'linear_backoff', 'fixed_interval', 'gradual', 'manual')
    ),
    timeout_duration_seconds double precision CHECK (timeout_duration_seconds > 0),
    longest_open_seconds double precision CHECK (longest_open_seconds > 0),
    success_threshold integer CHECK (success_threshold >= 1),
    half_open_permits integer CHECK (half_open_permits >= 1),
    permit_seconds double precision CHECK (permit_seconds > 0),
    max_retry_attempts integer CHECK (max_retry_attempts BETWEEN 1 AND 10),

    current_state text NOT NULL DEFAULT 'closed' CHECK (
        current_state IN ('closed', 'forced_open', 'disabled', 'metrics_only')
    ),
    fallback_enabled boolean,
    fallback_response jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(fallback_response) = 'object'),
    fallback_service_name text NOT NULL DEFAULT '' CHECK (fallback_service_name ~ '^[a-z0-9_-]{0,255}$'),

    reason text NOT NULL DEFAULT '' CHECK (length(reason) <= 1000),
    revision bigint NOT NULL DEFAULT 1,
    updated_by uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),

    -- In the order in which they are listed.
    CONSTRAINT circuit_breaker_configurations_key UNIQUE (
        environment, service_name, target_service_name, breaker_class
    )
);
