"""OpenStack Placement as its operators run it, without Keystone: its WSGI application under waitress on a port of this host.

Arguments: the database's URL, the port, whether to make the tables. Says ``ready``, then serves until it is killed.
"""

import os
import sys
import tempfile
from pathlib import Path

url, port, makes_tables = sys.argv[1:]
# Read when the application is made, and by nobody later.
with tempfile.TemporaryDirectory() as directory:
    os.environ["OS_PLACEMENT_CONFIG_DIR"] = directory
    Path(directory, "placement.conf").write_text(
        "[api]\nauth_strategy = noauth2\n"
        "[placement_database]\n"
        f"connection = {url.replace('postgresql://', 'postgresql+psycopg2://').replace('%', '%%')}\n"
        f"sync_on_startup = {makes_tables}\n"
        "max_pool_size = 32\n"
    )
    from placement.wsgi import init_application
    from waitress.server import create_server

    server = create_server(init_application(), host="127.0.0.1", port=int(port), threads=32, connection_limit=200)
sys.stdout.write("ready\n")
sys.stdout.flush()
server.run()
