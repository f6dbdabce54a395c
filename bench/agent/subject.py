"""One agent while it is measured: its host, its ports, and the figures found so far."""

import statistics
import sys
import time

import check
from neutron_bed.scene import exact
from stamps import Active, Rows, bridges, count_flows

NAMES = {"python": "neutron-openvswitch-agent", "neutrino": "neutrino-agent"}
# The same for both; the rest is what tests/lib/neutron_bed/config.py writes.
OPTIONS = {"securitygroup": {"firewall_driver": "noop"},
           "agent": {"tunnel_types": "vxlan", "l2_population": "true", "arp_responder": "true"}}
LIMIT = 300  # Seconds after which the run is given up.
QUIET_S = 5


def say(text):
    print(f"# {text}", file=sys.stderr, flush=True)


def ms(seconds):
    return f"{seconds * 1000:.{1 if seconds < 0.01 else 0}f} ms" if seconds < 10 \
        else f"{seconds:.1f} s"


def tap(port):
    return "tap" + port["id"][:11]


class Subject:
    """figures: {name: (number for the ratio or None, text)}, in the order of finding."""

    def __init__(self, bed, kind, options):
        self.bed, self.kind, self.options = bed, kind, options
        self.host = bed.host(1)
        self.figures = {}
        self.ports = []
        self.net = bed.api.network(f"net-{kind}", "vlan")
        bed.api.subnet(self.net, "10.2.0.0/20")

    # --- figures -----------------------------------------------------------------

    def note(self, name, number, form=ms, more=""):
        text = form(number) + more if number is not None else more
        self.figures[name] = (number, text)
        say(f"{NAMES[self.kind]}: {name}: {text}")

    def note_spread(self, name, values):
        """The middle, and the worst; the ratio is that of the middle."""
        self.note(name, statistics.median(values), ms, f", {ms(max(values))}")

    # --- the agent ---------------------------------------------------------------

    @property
    def agent(self):
        return self.host.agent

    def start_agent(self):
        self.host.start_agent(self.kind, OPTIONS)

    def clear(self):
        """Nothing of this agent is left for the next."""
        self.agent.kill()
        for guest in list(self.host.guests):
            self.host.unplug(guest)
        self.host.ovs("vsctl", "--if-exists", "del-br", "br-int", "--", "--if-exists", "del-br",
                      "br-tun", "--", "--if-exists", "del-port", "br-phys", "phy-br-phys")
        self.host.ovs("ofctl", "del-flows", "br-phys")
        self.ports = []

    # --- ports -------------------------------------------------------------------

    def plug(self, ports, patience=LIMIT):
        """(Rows, Active) once the ports have flows and tags and are ACTIVE, or time is up."""
        rows, active = Rows(self.host), Active(self.bed, ports)
        try:
            self.host.plug_idle(ports)
            check.wait_for(lambda: all(tap(port) in rows.tagged for port in ports), LIMIT,
                           "ports do not get their tags")
            active.settle(patience)
        finally:
            active.stop()
            rows.stop()
        self.ports += ports
        return rows, active

    # --- flows -------------------------------------------------------------------

    def n_flows(self):
        return {bridge: count_flows(self.host, bridge) for bridge in bridges(self.host)}

    def wait_quiet(self):
        """Until what the agent was doing is done: nothing changes for some of its turns."""
        last, since = None, time.monotonic()
        end = since + LIMIT
        while time.monotonic() - since < QUIET_S and time.monotonic() < end:
            now = self.n_flows()
            if now != last:
                last, since = now, time.monotonic()
            time.sleep(0.2)

    def wait_flows(self, before, n_before, patience):
        """Seconds until flows and rows are what they were, or None."""
        began = time.monotonic()
        while time.monotonic() - began < patience:
            try:
                if self.n_flows() == n_before:
                    took = time.monotonic() - began
                    if not exact(self.host).difference(before):
                        return took
            except check.Failed:
                pass  # A bridge is still being made.
            time.sleep(0.02)
        return None
