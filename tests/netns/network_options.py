#!/usr/bin/python3 -B
"""What fixed_range, network_size and network_device_mtu do to new networks,
metadata_cache_expiration to the metadata service; and which options are left without effect."""

import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))

import rawhttp  # noqa: E402
from check import check, done, equal, expect, wait_for  # noqa: E402
from lab import hosts, lab_for, probes  # noqa: E402

# Not built here at all.
WITHOUT_EFFECT = {"flat_injected", "vpn_ip", "vpn_start",
                  "vpn_image_id", "vlan_start", "vlan_interface", "cnt_vpn_clients",
                  "num_vpn_clients",
                  "enabled_apis", "rabbit_host", "rabbit_port", "rabbit_userid",
                  "rabbit_password", "glance_api_servers", "image_service", "auth_strategy",
                  "api_paste_config", "logdir", "verbose", "debug"}


def neutrino(lab, *argv):
    ran = lab.in_host("controller-1", ["neutrino", *argv],
                      env=hosts.environment(lab.client_environment()))
    return ran.stdout, ran.stderr


def carved(lab):
    """Two networks out of fixed_range, past the one that is there; capped, and said so."""
    out, err = neutrino(lab, "network-create", "--label", "more", "--num-networks", "2",
                        "--bridge", "br200", "-f", "json")
    equal(sorted((n["Label"], n["Cidr"]) for n in json.loads(out)),
          [("more_0", "10.0.0.64/26"), ("more_1", "10.0.0.128/26")], "networks")
    equal(err.strip(), "Subnet(s) too large, defaulting to /26.  To override, specify "
          "network_size flag.", "message")


def carved_by_command(lab):
    out, err = neutrino(lab, "network-create", "--label", "own", "--cidr", "10.7.0.0/16",
                        "--num-networks", "1", "--network-size", "65536", "--bridge", "br300",
                        "-f", "json")
    network = json.loads(out)
    equal((network["label"], network["cidr"], err), ("own", "10.7.0.0/16", ""), "network")


def mtu(lab):
    equal([n["mtu"] for n in lab.api.networks()], [1400] * len(lab.api.networks()), "networks")
    equal(probes.link(lab.guest_netns("cirros"), "eth0")["mtu"], 1400, "the guest's link")
    equal(probes.link(lab.netns("controller-1"), "br100")["mtu"], 1400, "the bridge")


def ask(lab, path):
    return rawhttp.exchange(lab.guest_netns("cirros"), rawhttp.request("GET", path))


def metadata_is_never_stale(lab):
    """Kept for an hour by the option, yet what changes is seen at once."""
    path = "/openstack/latest/meta_data.json"
    equal(ask(lab, path)[0], 200, "status")
    equal(ask(lab, path)[0], 200, "status, from what was kept")
    server = lab.api.server("cirros")["id"]
    for name in ("first", "second"):
        lab.api.ask("POST", "/os-security-groups",
                    {"security_group": {"name": name, "description": name}})
        lab.api.ask("POST", f"/servers/{server}/action", {"addSecurityGroup": {"name": name}})
        _, _, body = ask(lab, "/latest/meta-data/security-groups")
        expect(name in body.decode().split("\n"), f"{name} is not in {body}")


def next_owner_gets_its_own(lab):
    """The same address, another guest: nothing of the first one."""
    address = lab.address("cirros")
    ask(lab, "/latest/meta-data/instance-id")
    lab.delete_and_wait("cirros")
    network = lab.api.networks()[0]["id"]
    body = {"name": "heir", "imageRef": lab.api.image_id("cirros"), "flavorRef": "1",
            "availability_zone": "nova:compute-1",
            "networks": [{"uuid": network, "fixed_ip": address}]}
    wait_for(lambda: lab.api.send("POST", "/servers", {"server": body}).status == 202, 15,
             "the address is not free again")
    lab.wait_guest("heir")
    equal(lab.address("heir"), address, "address")
    status, _, body = rawhttp.exchange(lab.guest_netns("heir"),
                                       rawhttp.request("GET", "/latest/meta-data/hostname"))
    equal((status, body), (200, b"heir.novalocal"), "host name")


def left_without_effect(lab):
    page = os.path.join(hosts.TREE, "docs/man/neutrino.conf.5")
    with open(page, encoding="utf-8") as file:
        section = file.read().split(".SS Accepted without effect")[1].split(".SH")[0]
    names = set(re.findall(r"[a-z][a-z0-9_]{3,}", section.replace("\\", ""))) & WITHOUT_EFFECT
    equal(names, WITHOUT_EFFECT, "on the manual page")
    for name in ("network_size", "num_networks", "network_device_mtu", "iptables_bottom_regex",
                 "metadata_cache_expiration", "ipv6_backend", "multi_host", "vpn_ip"):
        said, _ = neutrino(lab, "config", "explain", name)
        equal("without effect" in said, name in WITHOUT_EFFECT, f"{name}: {said}")


def main():
    lab = lab_for("no", profile="default", guests=[("cirros", "compute-1")],
                  network=("novanetwork", "10.0.0.0/26"),
                  options={"*": {"network_device_mtu": "1400"},
                           "controller-1": {"fixed_range": "10.0.0.0/24", "network_size": "64",
                                            "metadata_cache_expiration": "3600"}})
    check("networks out of fixed_range", carved, lab)
    check("networks as the command says", carved_by_command, lab)
    check("mtu of new networks", mtu, lab)
    check("metadata that is kept is never stale", metadata_is_never_stale, lab)
    check("metadata is kept by instance", next_owner_gets_its_own, lab)
    check("options without effect", left_without_effect, lab)
    done()


if __name__ == "__main__":
    main()
