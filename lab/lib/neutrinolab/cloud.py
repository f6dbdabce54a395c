"""The compute API as the lab uses it, spoken from inside a network namespace."""

import base64
import http.client
import json
import time

from . import hosts, kernel
from .kernel import Failed

API_PORT = 8774


class NamespaceConnection(http.client.HTTPConnection):
    """HTTP whose socket belongs to a named network namespace."""

    def __init__(self, netns, host, port, timeout):
        super().__init__(host, port, timeout=timeout)
        self.netns = netns

    def connect(self):
        with kernel.inside_netns(self.netns):
            super().connect()


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    def json(self):
        return json.loads(self.body)

    def text(self):
        return self.body.decode("utf-8", "replace")


def request(netns, host, port, method, path, *, body=None, headers=None, timeout=20):
    """One HTTP request from 'netns'; the answer, whatever its status."""
    connection = NamespaceConnection(netns, host, port, timeout)
    try:
        connection.request(method, path, body=body, headers=headers or {})
        response = connection.getresponse()
        return Answer(response.status, dict(response.getheaders()), response.read())
    finally:
        connection.close()


class Api:
    """The API with basic credentials."""

    def __init__(self, netns, user, password, host=hosts.CONTROLLER, base="/compute/v2.1"):
        self.netns = netns
        self.user = user
        self.password = password
        self.host = host
        self.base = base

    def headers(self):
        pair = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        return {"Authorization": f"Basic {pair}"}

    def send(self, method, path, body=None, *, base=None, headers=None, timeout=20):
        """Returns the Answer; 'body' is made JSON unless it is bytes already."""
        sent = self.headers()
        if body is not None:
            sent["Content-Type"] = "application/json"
            if not isinstance(body, bytes):
                body = json.dumps(body).encode()
        sent.update(headers or {})
        sent = {name: value for name, value in sent.items() if value is not None}
        try:
            return request(self.netns, self.host, API_PORT, method,
                           (self.base if base is None else base) + path, body=body, headers=sent,
                           timeout=timeout)
        except OSError as error:
            raise Failed(f"{method} {path}: {error}") from error

    def ask(self, method, path, body=None, **options):
        """The answer's JSON (None when it has none); Failed unless the status is 2xx."""
        answer = self.send(method, path, body, **options)
        if not 200 <= answer.status < 300:
            raise Failed(f"{method} {path}: {answer.status} {answer.text().strip()}")
        return answer.json() if answer.body else None

    def networks(self):
        return self.ask("GET", "/os-networks")["networks"]

    def create_network(self, label, cidr):
        return self.ask("POST", "/os-networks", {"network": {"label": label, "cidr": cidr}})

    def servers(self):
        return self.ask("GET", "/servers/detail")["servers"]

    def server(self, name):
        found = [server for server in self.servers() if server["name"] == name]
        return found[0] if found else None

    def image_id(self, name):
        for image in self.ask("GET", f"/v2/images?name={name}", base="/image")["images"]:
            if image["name"] == name:
                return image["id"]
        raise Failed(f"there is no image {name}")

    def hosts_up(self, binary):
        """Names of hosts whose program of that kind reports."""
        services = self.ask("GET", "/os-services")["services"]
        return {service["host"] for service in services
                if binary in service["binary"] and service["state"] == "up"}

    def boot(self, name, host=None, image="cirros", flavor="1", **more):
        server = {"name": name, "imageRef": self.image_id(image), "flavorRef": flavor,
                  "min_count": 1, "max_count": 1, **more}
        if host:
            server["availability_zone"] = f"nova:{host}"
        return self.ask("POST", "/servers", {"server": server})["server"]

    def delete(self, name):
        server = self.server(name)
        if server is None:
            raise Failed(f"there is no server {name}")
        self.ask("DELETE", f"/servers/{server['id']}")

    def wait_active(self, name, limit=30):
        """Waits for ACTIVE; Failed at once when it went into error."""
        def active_or_error():
            server = self.server(name)
            if server and server["status"] == "ERROR":
                why = server.get("fault", {}).get("message", "no reason given")
                raise Failed(f"{name} is in error: {why}")
            return server if server and server["status"] == "ACTIVE" else None

        return kernel.wait_for(active_or_error, limit, lambda: f"{name} is not ACTIVE: "
                                                               f"{self.server(name)}")

    def wait_gone(self, name, limit=30):
        kernel.wait_for(lambda: self.server(name) is None, limit, f"{name} is still listed")

    def console(self, name):
        server = self.server(name)
        if server is None:
            return ""
        answer = self.send("POST", f"/servers/{server['id']}/action",
                           {"os-getConsoleOutput": {"length": None}})
        return answer.json().get("output", "") if answer.status == 200 else ""


def addresses(server):
    """All addresses of a server, network by network."""
    return [entry["addr"] for entries in server.get("addresses", {}).values()
            for entry in entries]


def timed(function):
    """(seconds it took, what it returned)."""
    start = time.monotonic()
    value = function()
    return time.monotonic() - start, value
