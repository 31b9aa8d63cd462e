-- Who can sign in, in which tenant, and what their roles let them do.

CREATE TYPE user_role_enum AS ENUM ('admin', 'operator', 'user', 'viewer');

CREATE TABLE tenants (
    id uuid PRIMARY KEY,
    name text NOT NULL UNIQUE CHECK (name ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
    disabled_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE users (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    username text NOT NULL CHECK (char_length(username) BETWEEN 1 AND 255),
    -- Names as they are compared. The service folds them (NFKC, case), so that what is equal does not depend on the collation
    -- that this database happened to be created with.
    username_folded text NOT NULL CHECK (char_length(username_folded) BETWEEN 1 AND 255),
    email text NOT NULL CHECK (char_length(email) BETWEEN 1 AND 255),
    email_folded text NOT NULL CHECK (char_length(email_folded) BETWEEN 1 AND 255),
    -- Argon2id in PHC form: it names its own parameters, so they can be raised and old hashes still verify.
    password_hash text NOT NULL CHECK (password_hash LIKE '$argon2id$%'),
    role user_role_enum NOT NULL DEFAULT 'user',
    failed_login_attempts bigint NOT NULL DEFAULT 0 CHECK (failed_login_attempts >= 0),
    locked_until timestamptz,
    disabled_at timestamptz,
    last_login timestamptz,
    password_changed_at timestamptz NOT NULL DEFAULT now(),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (tenant_id, username_folded),
    UNIQUE (tenant_id, email_folded)
);

CREATE TABLE roles (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    name text NOT NULL UNIQUE CHECK (name ~ '^[a-z][a-z0-9_-]{0,62}$'),
    description text NOT NULL DEFAULT '',
    -- A list of `resource:action`, with * for any. What is not of that form would grant nothing or, worse, be misread.
    permissions jsonb NOT NULL DEFAULT '[]' CHECK (
        jsonb_typeof(permissions) = 'array'
        AND NOT jsonb_path_exists(permissions, '$[*] ? (@.type() != "string")')
        AND NOT jsonb_path_exists(
            permissions, '$[*] ? (!(@ like_regex "^([a-z][a-z0-9_-]*|[*]):([a-z][a-z0-9_-]*|[*])$"))'
        )
    ),
    created_at timestamptz NOT NULL DEFAULT now()
);

-- Roles beside the one in users.role. Who granted is kept by id alone: a grant outlives whoever gave it.
CREATE TABLE user_roles (
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role_id uuid NOT NULL REFERENCES roles (id) ON DELETE CASCADE,
    granted_by uuid,
    granted_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, role_id)
);

CREATE INDEX idx_user_roles_role_id ON user_roles (role_id);
