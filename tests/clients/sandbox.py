"""What the scripts share: the sandbox's control API, cases that run in order, and a verdict."""

import json
import os
import queue
import sys
import threading
import traceback
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests

URL = os.environ["SANDBOX_URL"]

# The sandbox speaks plain HTTP on the loopback interface; the OAuth libraries refuse that otherwise.
os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"

_cases = []


def case(function):
    """Marks a function as a case; its name is a sentence that is true when it passes."""
    _cases.append(function)
    return function


def run_cases():
    """Runs all cases and ends the process with their verdict."""
    failed = []
    for function in _cases:
        name = function.__name__.replace("_", " ")
        try:
            function()
        except Exception:
            failed.append(name)
            print(f"FAILED  {name}")
            traceback.print_exc(file=sys.stdout)
        else:
            print(f"ok      {name}")
    print(f"{len(_cases) - len(failed)} passed, {len(failed)} failed")
    sys.exit(1 if failed else 0)


def control(method, path, body=None):
    """A request to the control API; anything but a success is an error of the script."""
    reply = requests.request(method, f"{URL}/_sandbox{path}", json=body, timeout=30)
    if reply.status_code != 200:
        raise AssertionError(f"{method} {path}: {reply.status_code} {reply.text}")
    return json.loads(reply.text, parse_float=Decimal)


def fault(match, action, **more):
    """Installs a fault rule that fires once."""
    control("POST", "/faults", {"match": match, "action": action, "times": 1, **more})


def journal():
    """Everything the sandbox was asked so far."""
    return control("GET", "/journal?limit=100000")["entries"]


class Receiver:
    """An HTTP server that keeps what is posted to it and answers 200."""

    def __enter__(self):
        inbox = self.inbox = queue.Queue()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                inbox.put((self.headers, body.decode()))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def take(self):
        """The next thing posted: headers and body; fails when nothing comes."""
        return self.inbox.get(timeout=30)


def equal(actual, expected):
    """Fails with both sides when they differ."""
    if actual != expected:
        raise AssertionError(f"{actual!r} is not {expected!r}")


def raises(kind, function, *arguments, code=None, **more):
    """Runs a function that must raise; returns what it raised."""
    try:
        function(*arguments, **more)
    except kind as error:
        if code is not None:
            equal(error.error_code, code)
        return error
    raise AssertionError(f"{kind.__name__} was not raised")
