"""The stock server's REST API, spoken without its client library.

The server runs with auth_strategy = noauth: no project is sent, everything belongs to
one project, and everybody is the administrator."""

import json

from neutrinolab import cloud
from neutrinolab.kernel import Failed, wait_for

from . import config, wires


class Api:
    def __init__(self, netns, address=wires.mgmt_address(wires.CONTROLLER),
                 port=config.API_PORT):
        self.netns = netns
        self.where = (address, port)

    def send(self, method, path, body=None, *, headers=None, timeout=120):
        """The Answer, whatever its status; 'body' is made JSON."""
        sent = {"Content-Type": "application/json", **(headers or {})}
        data = None if body is None else json.dumps(body).encode()
        try:
            return cloud.request(self.netns, *self.where, method, path, body=data,
                                 headers=sent, timeout=timeout)
        except OSError as error:
            raise Failed(f"{method} {path}: {error}") from error

    def ask(self, method, path, body=None, **options):
        """The answer's JSON (None when it has none); Failed unless the status is 2xx."""
        answer = self.send(method, path, body, **options)
        if not 200 <= answer.status < 300:
            raise Failed(f"{method} {path}: {answer.status} {answer.text().strip()}")
        return answer.json() if answer.body else None

    def is_up(self):
        try:
            return self.send("GET", "/v2.0/extensions", timeout=30).status == 200
        except Failed:
            return False

    # --- any resource ------------------------------------------------------------

    def create(self, kind, **fields):
        """kind is singular ('network'); fields use _ for : in the prefixes below."""
        return self.ask("POST", f"/v2.0/{path_of(kind)}", {kind: dotted(fields)})[kind]

    def update(self, kind, thing, **fields):
        return self.ask("PUT", f"/v2.0/{path_of(kind)}/{id_of(thing)}",
                        {kind: dotted(fields)})[kind]

    def delete(self, kind, thing):
        self.ask("DELETE", f"/v2.0/{path_of(kind)}/{id_of(thing)}")

    def get(self, kind, thing):
        return self.ask("GET", f"/v2.0/{path_of(kind)}/{id_of(thing)}")[kind]

    def list(self, kind, **filters):
        query = "&".join(f"{name}={value}" for name, value in dotted(filters).items())
        found = self.ask("GET", f"/v2.0/{path_of(kind)}" + (f"?{query}" if query else ""))
        return next(value for name, value in found.items() if not name.endswith("_links"))

    # --- what most tests make ----------------------------------------------------

    def network(self, name, kind=None, segment=None, physical=None, **fields):
        """kind: flat, vlan, vxlan, gre, geneve, local; flat and vlan are on physnet1."""
        if kind in ("flat", "vlan"):
            physical = physical or config.PHYSNET
        for field, value in (("network_type", kind), ("segmentation_id", segment),
                             ("physical_network", physical)):
            if value is not None:
                fields[f"provider_{field}"] = value
        return self.create("network", name=name, **fields)

    def subnet(self, network, cidr, **fields):
        fields.setdefault("ip_version", 6 if ":" in cidr else 4)
        # No DHCP agent runs; with True the server would only reserve nothing and ask nobody.
        fields.setdefault("enable_dhcp", False)
        return self.create("subnet", network_id=id_of(network), cidr=cidr, **fields)

    def port(self, network, host=None, **fields):
        """A port as a compute host asks for it; bound when 'host' is given."""
        if host:
            fields.setdefault("binding_host_id", getattr(host, "name", host))
        fields.setdefault("device_owner", "compute:nova")
        return self.create("port", network_id=id_of(network), **fields)

    def group(self, name, rules=()):
        """A security group with the server's two egress rules and 'rules' (dicts)."""
        group = self.create("security_group", name=name)
        for rule in rules:
            self.rule(group, **rule)
        return group

    def rule(self, group, **fields):
        fields.setdefault("direction", "ingress")
        fields.setdefault("ethertype", "IPv4")
        return self.create("security_group_rule", security_group_id=id_of(group), **fields)

    def qos_rule(self, policy, kind, **fields):
        """A rule of a QoS policy; kind: bandwidth_limit, dscp_marking, packet_rate_limit, ..."""
        return self.ask("POST", qos_path(policy, kind), {f"{kind}_rule": fields})[f"{kind}_rule"]

    def update_qos_rule(self, policy, kind, rule, **fields):
        self.ask("PUT", qos_path(policy, kind, rule), {f"{kind}_rule": fields})

    def delete_qos_rule(self, policy, kind, rule):
        self.ask("DELETE", qos_path(policy, kind, rule))

    def default_group(self):
        # Reading the list makes the project's default group when it is not there yet.
        return next(group for group in self.list("security_group")
                    if group["name"] == "default")

    def wait_port(self, port, status="ACTIVE", limit=180):
        """The port once it has that status."""
        seen = {}

        def has_it():
            seen.update(self.get("port", port))
            return seen["status"] == status

        wait_for(has_it, limit, lambda: f"port {id_of(port)} is {seen.get('status')}, bound as "
                                        f"{seen.get('binding:vif_type')}, not {status}")
        return seen

    def wait_active(self, *ports, limit=180):
        for port in ports:
            self.wait_port(port, "ACTIVE", limit)

    def agents(self, alive=True):
        """{host: agent} of the Open vSwitch agents the server believes alive (or all)."""
        return {agent["host"]: agent for agent in self.list("agent")
                if agent["binary"] == "neutron-openvswitch-agent"
                and (agent["alive"] or not alive)}


PATHS = {"security_group": "security-groups", "security_group_rule": "security-group-rules",
         "address_group": "address-groups", "qos_policy": "qos/policies", "policy": "qos/policies"}
COLONS = ("provider_", "binding_", "router_")


def path_of(kind):
    return PATHS.get(kind) or kind.replace("_", "-") + "s"


def qos_path(policy, kind, rule=None):
    return f"/v2.0/qos/policies/{id_of(policy)}/{kind}_rules" + (f"/{id_of(rule)}" if rule else "")


def id_of(thing):
    return thing["id"] if isinstance(thing, dict) else thing


def dotted(fields):
    """binding_host_id -> binding:host_id, and so on."""
    return {name.replace("_", ":", 1) if name.startswith(COLONS) else name: value
            for name, value in fields.items()}
