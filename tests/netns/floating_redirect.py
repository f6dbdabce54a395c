#!/usr/bin/python3 -B
# timeout: 300
"""A network whose router is not ours, with a shared DHCP address: a guest with a floating
address answers the outside by its own host, though it sends to the router."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))

from check import check, done, equal, need, wait_for  # noqa: E402
from floating import allocate, allow_all, associate, disassociate, make_pool  # noqa: E402
from lab import lab_for, probes  # noqa: E402

ROUTER, DHCP = "10.0.0.254", "10.0.0.1"
POOL = "192.168.56.160/30"
TABLE = ["nft", "list", "ruleset", "bridge"]


def bring_up(lab):
    """The router is the controller, which forwards nothing here."""
    lab.in_host("controller-1", ["ip", "addr", "add", f"{ROUTER}/24", "dev", "eth2"])
    lab.up_programs()
    label, cidr = lab.network
    lab.api.ask("POST", "/os-networks", {"network": {
        "label": label, "cidr": cidr, "gateway": ROUTER, "dhcp_server": DHCP}})
    lab.up_network()
    lab.up_computes_known()
    allow_all(lab)
    lab.boot_and_wait("web", "compute-1")


def router_is_elsewhere(lab):
    guest = lab.guest_netns("web")
    equal(probes.default_route(guest), ROUTER, "router")
    equal(probes.ping(guest, ROUTER), probes.ANSWERED, "ping of the router")
    equal(probes.ping(guest, "203.0.113.10"), probes.LOST, "outside, through that router")


def rule(lab):
    out = lab.in_host("compute-1", TABLE).stdout
    return [line.strip() for line in out.splitlines() if "ether daddr set" in line]


def associated(lab):
    equal(make_pool(lab, POOL).status, 200, "pool")
    lab.floating = allocate(lab)
    associate(lab, "web", lab.floating)
    mac = probes.link(lab.netns("compute-1"), "br100")["mac"]
    wait_for(lambda: rule(lab), 10, "no rule in the bridge family")
    equal(rule(lab), [f"ip saddr {lab.address('web')} ip daddr != 10.0.0.0/24"
                      f" ether daddr set {mac} meta pkttype set host"], "rule")


def answers(lab):
    outside = lab.netns("outside-1")
    wait_for(lambda: probes.ping(outside, lab.floating) == probes.ANSWERED, 15,
             "the floating address does not answer")
    equal(probes.ping(lab.guest_netns("web"), "203.0.113.10"), probes.ANSWERED, "to the outside")
    equal(probes.ping(lab.guest_netns("web"), ROUTER), probes.ANSWERED, "ping of the router")


def put_back(lab):
    lab.in_host("compute-1", ["nft", "delete", "table", "bridge", "neutrino-flat"])
    wait_for(lambda: rule(lab), 20, "the rule is not put back")


def gone(lab):
    disassociate(lab, "web", lab.floating)
    wait_for(lambda: not rule(lab), 10, lambda: f"rule left: {rule(lab)}")
    equal(probes.ping(lab.guest_netns("web"), "203.0.113.10"), probes.LOST, "outside")


def main():
    lab = lab_for("fr", profile="default", ha=True, start=False,
                  options={"controller-1": {"share_dhcp_address": "true"}})
    need("a network with a router of its own", bring_up, lab)
    check("the guest's router is not ours", router_is_elsewhere, lab)
    check("a floating address: what leaves the network comes up to the guest's host",
          associated, lab)
    check("the floating address answers, the guest reaches the outside", answers, lab)
    check("the rule is put back", put_back, lab)
    check("without floating address nothing is left", gone, lab)
    lab.down()
    done()


if __name__ == "__main__":
    main()
