"""A security key and the browser that it is plugged into, in software: WebAuthn Level 3 from the standard, with cbor2 alone.

It shares no code with the service. Where a test asks it to, it lies.
"""

import base64
import hashlib
import json
import secrets

import cbor2
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256

from novacron.api.auth.v1 import (
    BeginWebauthnAssertionRequest,
    BeginWebauthnRegistrationRequest,
    FinishWebauthnRegistrationRequest,
    MfaServiceStub,
)

RP_ID, ORIGIN = "example.org", "https://console.example.org"
SETTINGS = {"webauthn_rp_id": RP_ID, "webauthn_origins": f"{ORIGIN}, https://example.org:8443"}
PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


def text(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


class SecurityKey:
    """One key with one credential."""

    def __init__(self, counter=0):
        self.credential_id = secrets.token_bytes(32)
        self.private = generate_private_key(SECP256R1())
        self.counter = counter
        self.user_handle = None

    def create(self, options, **lies):
        """What ``navigator.credentials.create`` gives."""
        asked = json.loads(options)
        self.user_handle = base64.urlsafe_b64decode(asked["user"]["id"] + "==")
        numbers = self.private.public_key().public_numbers()
        public = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        attested = bytes(16) + len(self.credential_id).to_bytes(2, "big") + self.credential_id + cbor2.dumps(public)
        data = self._data({"flags": PRESENT | VERIFIED | ATTESTED, **lies}) + attested
        attestation = cbor2.dumps({"fmt": "none", "attStmt": lies.get("statement", {}), "authData": data})
        client = self._client("webauthn.create", asked["challenge"], lies)
        response = {"clientDataJSON": text(client), "attestationObject": text(attestation), "transports": ["usb"]}
        return self._credential(response)

    def get(self, options, **lies):
        """What ``navigator.credentials.get`` gives. The counter goes on with every touch."""
        if self.counter:
            self.counter += 1
        data = self._data({"flags": PRESENT | VERIFIED, **lies})
        client = self._client("webauthn.get", json.loads(options)["challenge"], lies)
        signature = bytearray(self.private.sign(data + hashlib.sha256(client).digest(), ECDSA(SHA256())))
        signature[-1] ^= lies.get("flip", 0)
        response = {
            "clientDataJSON": text(client),
            "authenticatorData": text(data),
            "signature": text(bytes(signature)),
            "userHandle": text(lies.get("user_handle", self.user_handle)),
        }
        return self._credential(response)

    def _data(self, said):
        rp_id = said.get("rp_id", RP_ID)
        counter = said.get("counter", self.counter)
        return hashlib.sha256(rp_id.encode()).digest() + bytes([said["flags"]]) + counter.to_bytes(4, "big")

    def _client(self, kind, challenge, lies):
        told = {"type": kind, "challenge": challenge, "origin": ORIGIN, "crossOrigin": False}
        return json.dumps({**told, **lies.get("client", {})}).encode()

    def _credential(self, response):
        id_ = text(self.credential_id)
        return json.dumps({"id": id_, "rawId": id_, "type": "public-key", "response": response})


async def options(auth):
    """What a page asks for before it shows a key."""
    return (await auth.as_user(stub=MfaServiceStub).BeginWebauthnAssertion(BeginWebauthnAssertionRequest())).options


async def begin(auth, token, password):
    stub = auth.as_user(token, MfaServiceStub)
    return (await stub.BeginWebauthnRegistration(BeginWebauthnRegistrationRequest(password=password))).options


async def register(auth, token, password, key=None, name="blue key"):
    """A key that is in effect, its id, and the recovery codes."""
    key = key or SecurityKey(counter=1)
    credential = key.create(await begin(auth, token, password))
    stub = auth.as_user(token, MfaServiceStub)
    made = await stub.FinishWebauthnRegistration(FinishWebauthnRegistrationRequest(credential=credential, name=name))
    return key, made.mfa_credential.mfa_credential_id, list(made.recovery_codes)
