"""The auth service's wiring. What it is made of stands in ``house.py``, top to bottom."""

from __future__ import annotations

import asyncio

from novacron.cache import EVERYTHING
from novacron.db import service_migrations
from novacron.foundation import Foundation
from novacron.process import run
from novacron.sealing import KeyRing

from .house import House
from .settings import AuthSettings
from .users.passwords import Passwords


async def serve(settings: AuthSettings, stopping: asyncio.Event) -> None:
    """Serve until ``stopping`` is set."""
    ring = KeyRing.read(settings.key_file)
    async with Foundation("auth", settings, service_migrations("auth", __file__)) as base:
        bus = await base.bus()
        # A replica that was killed may have taken something away in the database and told nobody.
        await bus.publish(EVERYTHING)
        passwords = Passwords.from_settings(settings)
        house = House(settings, base.database, ring, passwords, bus, base.redis)
        await house.bootstrap.ensure_first_user(settings.bootstrap_admin_password_file)
        await house.secret_keys.ensure()
        await house.keyring.ensure_primary()

        server = base.server(house.authenticator)
        for register, servicer in house.doors():
            server.add(register, servicer)
        async with base.serving(server, house.background()):
            await stopping.wait()
        passwords.close()


if __name__ == "__main__":
    run("auth", AuthSettings, serve)
