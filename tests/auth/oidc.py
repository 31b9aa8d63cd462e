"""Runs the identity provider, and is the browser that is sent there."""

import json
import ssl
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import trustme

from .oidc_provider import CLIENT, SECRET

REDIRECT = "http://127.0.0.1:53682/callback"


@dataclass
class Provider:
    """A running provider."""

    issuer: str
    ca_file: Path

    def control(self, **said):
        with httpx.Client(verify=ssl.create_default_context(cafile=self.ca_file)) as client:
            return client.post(f"{self.issuer}/control", content=json.dumps(said)).json()

    def fields(self, **more):
        return {
            "name": "corp",
            "issuer": self.issuer,
            "client_id": CLIENT,
            "client_secret": SECRET,
            "create_users": True,
            **more,
        }

    async def visit(self, url):
        """What a browser that goes to ``url`` brings back to the client."""
        async with httpx.AsyncClient(verify=ssl.create_default_context(cafile=self.ca_file)) as client:
            location = (await client.get(url)).headers["Location"]
        return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}


@contextmanager
def running(folder):
    authority = trustme.CA()
    ca_file, certificate = folder / "ca.pem", folder / "provider.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(certificate))
    script = Path(__file__).with_name("oidc_provider.py")
    process = subprocess.Popen([sys.executable, str(script), str(certificate)], stdout=subprocess.PIPE, text=True)
    try:
        yield Provider(f"https://localhost:{int(process.stdout.readline())}", ca_file)
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()
