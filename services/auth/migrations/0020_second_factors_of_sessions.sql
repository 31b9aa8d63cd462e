-- Whether a session's user has shown a second factor: at the login, or in the session itself.

ALTER TABLE user_sessions ADD COLUMN second_factor boolean NOT NULL DEFAULT false;
UPDATE user_sessions SET second_factor = true WHERE authentication_method = 'mfa';
