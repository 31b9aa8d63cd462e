"""An authenticator app, by another implementation than the service's, and the commands that set one up."""

import base64

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from novacron.api.auth.v1 import ConfirmTotpRequest, EnrollTotpRequest, MfaServiceStub


class App:
    """Shows the code of a secret at the database's time, or so many steps from it."""

    def __init__(self, auth, secret):
        self.auth = auth
        padded = secret + "=" * (-len(secret) % 8)
        self.totp = TOTP(base64.b32decode(padded), 6, SHA1(), 30, enforce_key_length=False)

    async def code(self, steps=0):
        now = (await self.auth.execute("SELECT extract(epoch FROM clock_timestamp())::float8"))[0][0]
        return self.totp.generate(int(now) + 30 * steps).decode()

    async def wait(self):
        """As if the steps that were used up were long ago: an app shows a new code every 30 s, and a test does not wait."""
        await self.auth.execute("UPDATE mfa_credentials SET last_counter = 0")


async def begin(auth, token, password, name="phone"):
    """An app that has been told its secret, and its id."""
    begun = await auth.as_user(token, MfaServiceStub).EnrollTotp(EnrollTotpRequest(name=name, password=password))
    return App(auth, begun.secret), begun.mfa_credential_id


async def enroll(auth, token, password):
    """An app that is in effect, its id, and the recovery codes."""
    app, credential_id = await begin(auth, token, password)
    request = ConfirmTotpRequest(mfa_credential_id=credential_id, one_time_code=await app.code())
    answer = await auth.as_user(token, MfaServiceStub).ConfirmTotp(request)
    await app.wait()
    return app, credential_id, list(answer.recovery_codes)
