"""OpenStack Keystone as its operators run it: Fernet tokens, a warm cache, its WSGI application under waitress on a local port.

Arguments: the database's URL, the port, a directory for its keys, the password of its admin. Makes the tables and the admin,
says ``ready`` when it answers, and serves until it is killed.
"""

import subprocess
import sys
from pathlib import Path

url, port, place, password = sys.argv[1:]
del sys.argv[1:]  # Keystone reads its own options there
directory = Path(place)
fernet, credential = directory / "fernet", directory / "credential"
configuration = directory / "keystone.conf"
for made in (fernet, credential):
    made.mkdir(parents=True)
configuration.write_text(
    f"[database]\nconnection = {url.replace('postgresql://', 'postgresql+psycopg2://').replace('%', '%%')}\n"
    f"[fernet_tokens]\nkey_repository = {fernet}\n"
    f"[fernet_receipts]\nkey_repository = {fernet}\n"
    f"[credential]\nkey_repository = {credential}\n"
    "[cache]\nenabled = true\nbackend = dogpile.cache.memory\n"
)
manage = [str(Path(sys.executable).with_name("keystone-manage")), "--config-file", str(configuration)]
owner = ["--keystone-user", "root", "--keystone-group", "root"]
for order in (
    ["db_sync"],
    ["fernet_setup", *owner],
    ["credential_setup", *owner],
    ["bootstrap", "--bootstrap-password", password, "--bootstrap-public-url", f"http://127.0.0.1:{port}/v3/"],
):
    subprocess.run([*manage, *order], check=True, capture_output=True)

from keystone.server.flask.core import initialize_application  # noqa: E402 - its import takes longer than all the rest
from waitress.server import create_server  # noqa: E402

application = initialize_application("public", config_files=[str(configuration)])
server = create_server(application, host="127.0.0.1", port=int(port), threads=4)
sys.stdout.write("ready\n")
sys.stdout.flush()
server.run()
