"""Serve a saved classifier until Ctrl-C or SIGTERM; what was accepted by then is still answered.

.venv/bin/python -m pip install -r requirements/serving.txt
.venv/bin/python -m helpers.serving outputs/13/intents
"""

import argparse
import os
import signal
import socket
import sys
from contextlib import suppress

from helpers.files import StorageError
from helpers.serving.app import create_app
from helpers.serving.engines import PRECISIONS, ServingError, needed


def parser() -> argparse.ArgumentParser:
    """What can be asked for."""
    made = argparse.ArgumentParser(prog="python -m helpers.serving", description=__doc__)
    made.formatter_class = argparse.RawDescriptionHelpFormatter
    made.add_argument("folder", help="a model that training.save stored")
    made.add_argument("--engine", choices=[*PRECISIONS], help="in place of torch")
    made.add_argument("--precision", choices=["float32", "bfloat16", "int8"])
    made.add_argument("--host", default="127.0.0.1", help="default: this machine alone")
    made.add_argument("--port", type=int, default=8000, help="0: any that is free")
    return made


def listen(host: str, port: int) -> socket.socket:
    """A socket that waits for connections.

    Raises:
        ServingError: the address cannot be had.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        # It names its protocol: else asyncio lets the system hold a small answer back for 40 ms.
        door = socket.socket(family, kind, protocol)
        if os.name == "posix":  # elsewhere this would share a port with another program
            door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        door.bind(address)
        door.listen(2048)
        return door
    except (OSError, OverflowError) as error:
        raise ServingError(
            f"cannot listen at {host}, port {port} ({error}). Choose another --port, or --host."
        ) from error


def serve(options: argparse.Namespace) -> None:
    """Load, say where, answer; at the end say how many requests were answered."""
    uvicorn = needed("uvicorn", "fastapi")
    app = create_app(options.folder, options.engine, options.precision)
    with listen(options.host, options.port) as door:
        host, port = door.getsockname()[:2]
        print(f"Serving {options.folder} at http://{host}:{port} (Ctrl-C stops it)", flush=True)
        settings = {"log_level": "warning", "access_log": False, "server_header": False}
        server = uvicorn.Server(uvicorn.Config(app, **settings))
        # uvicorn sends itself the signal that it caught once more, when all is done.
        signal.signal(signal.SIGTERM, lambda *_: None)
        with suppress(KeyboardInterrupt):
            server.run(sockets=[door])
    worker = app.state.worker
    print(f"Stopped: {worker.answered} of {worker.accepted} accepted requests were answered.")


def main() -> int:
    """0 at the end, 1 with a message if it cannot begin."""
    try:
        serve(parser().parse_args())
    except StorageError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
