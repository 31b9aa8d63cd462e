"""Another NovaCron's services as plain methods."""

from __future__ import annotations

import grpc

from novacron.api.auth.v1 import AuthServiceStub, LoginRequest
from novacron.api.vm.v1 import ListVmsRequest, VmServiceStub
from novacron.errors import Unknown
from novacron.rpc import Channel
from novacron.rpc.endpoint import dns_target

from .credentials import Credentials
from .provider import Provider


class OtherNovaCron:
    """A connection to another installation for one visit, as a user of it: no certificate of ours is shown.

    New for each visit, so no breaker remembers the last one, and what finds out whether a target is up does reach it.
    Each call may take all of ``timeout_seconds``, whatever the protos say: how patient to be is the visitor's to choose.
    """

    def __init__(self, provider: Provider, credentials: Credentials, timeout_seconds: float) -> None:
        self._credentials = credentials
        self._timeout_seconds = timeout_seconds
        tls = grpc.ssl_channel_credentials(credentials.ca_pem.encode() or None)
        self._auth = self._channel(credentials.auth_endpoint, tls)
        self._vm = self._channel(provider.endpoint, tls)

    async def __aenter__(self) -> OtherNovaCron:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._auth.close()
        await self._vm.close()

    async def login(self) -> str:
        """An access token there.

        :raises Unauthenticated: they do not know these credentials.
        :raises Unknown: what they gave cannot be a token, nor travel as one.
        """
        mine = self._credentials
        request = LoginRequest(username=mine.username, password=mine.password, tenant=mine.tenant)
        token = (await AuthServiceStub(self._auth).Login(request, timeout=self._timeout_seconds)).access_token
        if not (token and token.isascii() and token.isprintable()):
            raise Unknown("the answer holds no access token")
        return token

    async def list_one_vm(self, token: str) -> None:
        """Succeeds when the user may list VMs there, whether or not there are any."""
        metadata = (("authorization", f"Bearer {token}"),)
        request = ListVmsRequest(page_size=1)
        await VmServiceStub(self._vm).ListVms(request, timeout=self._timeout_seconds, metadata=metadata)

    def _channel(self, endpoint: str, tls: grpc.ChannelCredentials) -> Channel:
        return Channel("on_premise", dns_target(endpoint), tls, attempts=1)
