-- Login through SAML 2.0 providers.

-- One check takes another's place in one statement: no row is ever without.
-- squawk-ignore-file ban-drop-constraint
ALTER TABLE external_logins
    DROP CONSTRAINT external_logins_kind_check,
    ADD CONSTRAINT external_logins_kind_check CHECK (kind IN ('code', 'device', 'saml')) NOT VALID;

ALTER TABLE identity_providers
    -- Where browsers are sent.
    ADD COLUMN sso_url text CHECK (char_length(sso_url) BETWEEN 1 AND 2048),
    -- What the provider signs with, in PEM: public, and all that its word is worth.
    ADD COLUMN certificates text[] NOT NULL DEFAULT '{}',
    ADD CONSTRAINT identity_providers_saml CHECK (
        (type = 'saml') = (sso_url IS NOT NULL) AND (type = 'saml') = (cardinality(certificates) > 0)
        AND (type = 'oidc' OR client_secret_sealed IS NULL)
    ) NOT VALID;
