"""An OpenID Connect provider, as a process of its own: discovery, authorize, token, device flow, and keys that rotate.

It signs in whoever ``/control`` says, at once and without asking, and lies as it is told to. It shares no code with the service
but the library that signs.
"""

import base64
import hashlib
import hmac
import json
import secrets
import ssl
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, SECRET = "novacron", "a secret of the client"
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"


class State:
    """All that the provider remembers."""

    def __init__(self):
        self.lock = threading.Lock()
        self.keys = []
        self.rotate()
        self.reset()

    def reset(self):
        self.user = {"sub": "248289761001", "preferred_username": "jane", "email": "jane@example.org"}
        self.lie, self.codes, self.devices = "", {}, {}
        self.fetched_keys = 0
        self.says_issuer = True

    def rotate(self):
        # Only the newest is published: what it signs is known to nobody who does not ask again.
        self.keys = [RSAKey.generate_key(2048, {"kid": secrets.token_hex(4), "use": "sig", "alg": "RS256"})]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    @property
    def issuer(self):
        return f"https://localhost:{self.server.server_port}"

    def answer(self, document, status=200, **headers):
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        state, url = self.server.state, urlsplit(self.path)
        if url.path == "/.well-known/openid-configuration":
            document = {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "device_authorization_endpoint": f"{self.issuer}/device",
                "jwks_uri": f"{self.issuer}/jwks",
                "token_endpoint_auth_methods_supported": ["client_secret_basic", "none"],
                "authorization_response_iss_parameter_supported": state.says_issuer,
            }
            return self.answer(document)
        if url.path == "/jwks":
            state.fetched_keys += 1
            return self.answer({"keys": [key.as_dict(private=False) for key in state.keys]})
        if url.path == "/authorize":
            asked = {name: values[0] for name, values in parse_qs(url.query).items()}
            code = secrets.token_urlsafe(16)
            state.codes[code] = asked
            back = {"code": code, "state": asked["state"], "iss": self.issuer}
            return self.answer(b"", 302, Location=f"{asked['redirect_uri']}?{urlencode(back)}")
        return self.answer({}, 404)

    def do_POST(self):
        state = self.server.state
        text = self.rfile.read(int(self.headers["Content-Length"])).decode()
        with state.lock:
            if self.path == "/control":
                return self.control(json.loads(text))
            form = {name: values[0] for name, values in parse_qs(text).items()}
            wanted = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
            if self.headers.get("Authorization") != f"Basic {wanted}":
                return self.answer({"error": "invalid_client"}, 401)
            if self.path == "/device":
                return self.begin_device()
            if form.get("grant_type") == DEVICE:
                return self.device_token(form)
            return self.code_token(form)

    def control(self, said):
        state = self.server.state
        if said.pop("reset", False):
            state.reset()
        if said.pop("rotate", False):
            state.rotate()
        for user_code in said.pop("approve", []):
            state.devices[user_code]["done"] = True
        for user_code in said.pop("deny", []):
            state.devices[user_code]["denied"] = True
        for name, value in said.items():
            setattr(state, name, value)
        self.answer({"fetched_keys": state.fetched_keys})

    def begin_device(self):
        code, user_code = secrets.token_urlsafe(16), secrets.token_hex(4).upper()
        self.server.state.devices[user_code] = {"code": code}
        page = f"{self.issuer}/activate"
        self.answer(
            {
                "device_code": code,
                "user_code": user_code,
                "verification_uri": page,
                "verification_uri_complete": f"{page}?user_code={user_code}",
                "expires_in": 600,
                "interval": 1,
            }
        )

    def device_token(self, form):
        devices = self.server.state.devices
        user_code = next((one for one, held in devices.items() if held["code"] == form["device_code"]), None)
        if user_code is None:
            return self.answer({"error": "expired_token"}, 400)
        if devices[user_code].get("denied"):
            return self.answer({"error": "access_denied"}, 400)
        if not devices[user_code].get("done"):
            return self.answer({"error": "authorization_pending"}, 400)
        del devices[user_code]
        return self.answer(self.tokens({}))

    def code_token(self, form):
        asked = self.server.state.codes.pop(form.get("code", ""), None)
        if asked is None or asked["redirect_uri"] != form.get("redirect_uri"):
            return self.answer({"error": "invalid_grant"}, 400)
        shown = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if shown.decode().rstrip("=") != asked.get("code_challenge") or asked["code_challenge_method"] != "S256":
            return self.answer({"error": "invalid_grant"}, 400)
        return self.answer(self.tokens({"nonce": asked["nonce"]}))

    def tokens(self, claims):
        lie, key, now = self.server.state.lie, self.server.state.keys[0], int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT,
            "iat": now,
            "exp": now + 300,
            **claims,
            **self.server.state.user,
        }
        claims |= {
            "wrong nonce": {"nonce": "of another login"},
            "wrong audience": {"aud": "another client"},
            "two audiences": {"aud": [CLIENT, "another client"]},
            "wrong party": {"aud": [CLIENT, "another client"], "azp": "another client"},
            "our party, another's audience": {"aud": "another client", "azp": CLIENT},
            "wrong issuer": {"iss": "https://localhost:1"},
            "expired": {"iat": now - 600, "exp": now - 300},
            "from the future": {"iat": now + 600, "exp": now + 900},
            "no subject": {"sub": ""},
            "a number as subject": {"sub": 7},
            "a long subject": {"sub": "x" * 256},
            "a wrong hash of the access token": {"at_hash": "d3Jvbmc"},
        }.get(lie, {})
        for name in {"no nonce": ["nonce"], "no expiry": ["exp"], "no audience": ["aud"]}.get(lie, []):
            claims.pop(name, None)
        token = jwt.encode({"alg": "RS256", "kid": key.kid}, claims, key)
        parts = token.split(".")
        if lie == "no signature":
            parts = [_text({"alg": "none", "typ": "JWT"}), parts[1], ""]
        elif lie == "signed with the public key as a secret":
            parts = [_text({"alg": "HS256", "kid": key.kid}), parts[1]]
            proof = hmac.digest(key.as_pem(private=False), ".".join(parts).encode(), "sha256")
            parts.append(base64.urlsafe_b64encode(proof).decode().rstrip("="))
        elif lie == "signed by another key":
            parts = jwt.encode({"alg": "RS256", "kid": key.kid}, claims, RSAKey.generate_key(2048)).split(".")
        elif lie == "changed":
            parts[1] = _text({**claims, "sub": "1"})
        elif lie == "no token":
            parts = ["garbage"]
        found = {"access_token": "at", "token_type": "Bearer", "id_token": ".".join(parts)}
        if lie == "no ID token":
            del found["id_token"]
        return found


def _text(document):
    return base64.urlsafe_b64encode(json.dumps(document).encode()).decode().rstrip("=")


def main():
    certificate = sys.argv[1]
    server = ThreadingHTTPServer(("localhost", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.state = State()
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
