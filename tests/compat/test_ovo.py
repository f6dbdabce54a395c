#!/usr/bin/python3 -B
"""Versioned objects of Debian's neutron, through our codec and back into neutron's own.

Each type is made with all its fields, with what can be null being null, with only what has
to be there, and as one that was read from the database; what comes back must be equal for
neutron."""

import datetime
import json
import os
import subprocess
import sys
import uuid
import warnings

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))

from check import check, done, equal, expect  # noqa: E402

warnings.simplefilter("ignore")

import netaddr  # noqa: E402
from neutron.objects import address_group, network, ports, securitygroup, subnet, trunk  # noqa: E402
from neutron.objects.port.extensions import (  # noqa: E402
    allowedaddresspairs, data_plane_status, extra_dhcp_opt, port_security)
from neutron.objects.qos import policy, rule  # noqa: E402
from oslo_serialization import jsonutils  # noqa: E402
from oslo_versionedobjects import base as ovo_base  # noqa: E402

PROGRAM = os.path.join(os.environ["BUILD_DIR"], "tests/compat/ovo_roundtrip")
NOW = datetime.datetime(2026, 1, 31, 12, 0, 1)
ODD = "n\u00e4me \U0001f600 \"quoted\" \\ \t \n {not json} \x01"


def ident(n):
    return str(uuid.uuid5(uuid.NAMESPACE_OID, str(n)))


def mac(text):
    """As neutron reads it from its database."""
    return netaddr.EUI(text, dialect=netaddr.mac_unix_expanded)


def standard(obj, revision=7):
    """created_at and the like, as the database sets them."""
    obj.revision_number = revision
    obj.description = ODD
    obj.created_at = NOW
    obj.updated_at = NOW + datetime.timedelta(days=400)
    return obj


def segment(**kwargs):
    fields = dict(id=ident("segment"), network_id=ident("net"), name=ODD, network_type="vlan",
                  physical_network="physnet1", segmentation_id=4094, is_dynamic=False,
                  segment_index=2, hosts=["h1", "h2"])
    fields.update(kwargs)
    return standard(network.NetworkSegment(**fields))


def binding(**kwargs):
    fields = dict(port_id=ident("port"), host="h1", vif_type="ovs", vnic_type="normal",
                  status="ACTIVE", profile={"a": [1, {"b": None}], "trusted": "true"},
                  vif_details={"port_filter": True, "bridge_name": "br-int"})
    fields.update(kwargs)
    return ports.PortBinding(**fields)


def full_port():
    port_id = ident("port")
    return standard(ports.Port(
        id=port_id, project_id=ODD, name=ODD, network_id=ident("net"),
        mac_address=mac("fa:16:3e:00:0a:ff"), admin_state_up=True, device_id="vm-1",
        device_owner="compute:nova", status="BUILD",
        allowed_address_pairs=[
            allowedaddresspairs.AllowedAddressPair(
                port_id=port_id, mac_address=mac("fa:16:3e:00:00:99"),
                ip_address=netaddr.IPNetwork(ip))
            for ip in ("10.9.0.0/24", "10.0.0.7", "fd00::/64", "fd00::7")],
        bindings=[binding(), binding(host="h2", status="INACTIVE", vif_details=None, profile={})],
        binding_levels=[
            ports.PortBindingLevel(port_id=port_id, host="h1", level=0, driver="openvswitch",
                                   segment=segment(), segment_id=ident("segment")),
            ports.PortBindingLevel(port_id=port_id, host="h1", level=1, driver=None, segment=None,
                                   segment_id=None)],
        data_plane_status=data_plane_status.PortDataPlaneStatus(
            port_id=port_id, data_plane_status="ACTIVE"),
        dhcp_options=[extra_dhcp_opt.ExtraDhcpOpt(
            id=ident("opt"), port_id=port_id, opt_name="mtu", opt_value="1400", ip_version=4)],
        distributed_bindings=[ports.DistributedPortBinding(
            port_id=port_id, host="h3", vif_type="distributed", vnic_type="normal",
            status="ACTIVE", profile={}, vif_details=None, router_id=ident("router"))],
        dns=ports.PortDNS(port_id=port_id, current_dns_name="a", current_dns_domain="b.",
                          previous_dns_name="", previous_dns_domain="", dns_name="a",
                          dns_domain="b."),
        fixed_ips=[ports.IPAllocation(port_id=port_id, subnet_id=ident("subnet"),
                                      network_id=ident("net"), ip_address=netaddr.IPAddress(ip))
                   for ip in ("10.1.0.24", "fd00:1::f816:3eff:fe21:6474")],
        security=port_security.PortSecurity(id=port_id, port_security_enabled=False),
        security_group_ids={ident("sg1"), ident("sg2")},
        qos_policy_id=ident("qos"), qos_network_policy_id=ident("qos2"),
        numa_affinity_policy="required", device_profile="dp"))


def full_network():
    return standard(network.Network(
        id=ident("net"), project_id="p", name=ODD, status="ACTIVE", admin_state_up=False,
        vlan_transparent=True, availability_zone_hints=["z1", "z2"], shared=True, mtu=9000,
        security=network.NetworkPortSecurity(id=ident("net"), port_security_enabled=True),
        segments=[segment(), segment(physical_network=None, name=None, network_type="vxlan",
                                     segmentation_id=16777215, hosts=[])],
        dns_domain="example.org.", qos_policy_id=ident("qos")))


def full_subnet(cidr="10.1.0.0/24", version=4):
    net = netaddr.IPNetwork(cidr)
    return standard(subnet.Subnet(
        id=ident("subnet"), project_id="p", name=ODD, network_id=ident("net"),
        segment_id=ident("segment"), subnetpool_id=ident("pool"), ip_version=version, cidr=net,
        gateway_ip=net[1],
        allocation_pools=[subnet.IPAllocationPool(id=ident("pool"), subnet_id=ident("subnet"),
                                                  start=net[2], end=net[200])],
        enable_dhcp=True, shared=False,
        dns_nameservers=[subnet.DNSNameServer(address=str(net[9]), subnet_id=ident("subnet"),
                                              order=n) for n in (0, 1)],
        dns_publish_fixed_ip=True,
        host_routes=[subnet.Route(subnet_id=ident("subnet"), destination=net, nexthop=net[3])],
        ipv6_ra_mode="slaac" if version == 6 else None,
        ipv6_address_mode="dhcpv6-stateless" if version == 6 else None,
        service_types=["compute:nova", "network:dhcp"]))


def full_rule(n=1, **kwargs):
    fields = dict(id=ident(f"rule{n}"), project_id="p", security_group_id=ident("sg1"),
                  remote_group_id=ident("sg2"), direction="ingress", ethertype="IPv4",
                  protocol="tcp", port_range_min=0, port_range_max=65535,
                  remote_ip_prefix=netaddr.IPNetwork("10.1.2.3/24"),
                  remote_address_group_id=ident("ag"),
                  normalized_cidr=netaddr.IPNetwork("10.1.2.0/24"))
    fields.update(kwargs)
    return standard(securitygroup.SecurityGroupRule(**fields))


def full_group():
    rules = [full_rule(1), full_rule(2, protocol="58", ethertype="IPv6", remote_ip_prefix=None,
                                     normalized_cidr=netaddr.IPNetwork("fd00::/8")),
             full_rule(3, protocol=None, direction="egress", port_range_min=None)]
    return standard(securitygroup.SecurityGroup(
        id=ident("sg1"), name=ODD, project_id="p", shared=False, stateful=True, is_default=False,
        rules=rules))


def full_address_group():
    return standard(address_group.AddressGroup(
        id=ident("ag"), name=ODD, project_id="p", shared=True,
        addresses=[address_group.AddressAssociation(address=netaddr.IPNetwork(a),
                                                    address_group_id=ident("ag"))
                   for a in ("192.0.2.0/24", "198.51.100.7/32", "fd00::/64")]))


def full_policy():
    common = dict(qos_policy_id=ident("qos"))
    return standard(policy.QosPolicy(
        id=ident("qos"), project_id="p", name=ODD, shared=False, is_default=True, rules=[
            rule.QosBandwidthLimitRule(id=ident("q1"), max_kbps=9000, max_burst_kbps=None,
                                       direction="egress", **common),
            rule.QosDscpMarkingRule(id=ident("q2"), dscp_mark=26, **common),
            rule.QosMinimumBandwidthRule(id=ident("q3"), min_kbps=100, direction="ingress",
                                         **common),
            rule.QosMinimumPacketRateRule(id=ident("q4"), min_kpps=5, direction="any", **common),
            rule.QosPacketRateLimitRule(id=ident("q5"), max_kpps=7, max_burst_kpps=0,
                                        direction="ingress", **common)]))


def sub_port(n=1):
    return trunk.SubPort(port_id=ident(f"sub{n}"), trunk_id=ident("trunk"),
                         segmentation_type="vlan", segmentation_id=n)


def full_trunk():
    return standard(trunk.Trunk(
        id=ident("trunk"), project_id="p", name=ODD, port_id=ident("port"), admin_state_up=True,
        status="DEGRADED", sub_ports=[sub_port(1), sub_port(4094)]))


FULL = {"Port": full_port, "Network": full_network, "Subnet": full_subnet,
        "SecurityGroup": full_group, "SecurityGroupRule": full_rule,
        "AddressGroup": full_address_group, "QosPolicy": full_policy, "Trunk": full_trunk,
        "SubPort": sub_port}


def ask(texts):
    """Our program's answers, line by line."""
    ran = subprocess.run([PROGRAM], input="\n".join(texts) + "\n", capture_output=True, text=True,
                         check=True, timeout=60)
    equal(len(ran.stdout.splitlines()), len(texts), "answers")
    return ran.stdout.splitlines()


def through(objects):
    """What our codec makes of them, as neutron reads it."""
    lines = ask([jsonutils.dumps(obj.obj_to_primitive()) for obj in objects])
    for line in lines:
        expect(not line.startswith("refused"), line)
    return [type(obj).clean_obj_from_primitive(json.loads(line))
            for obj, line in zip(objects, lines)]


def same(one, other, path):
    """Whether neutron has the same fields with the same values in both."""
    equal(type(other), type(one), path)
    for name in one.fields:
        where = f"{path}.{name}"
        equal(other.obj_attr_is_set(name), one.obj_attr_is_set(name), f"{where} is set")
        if not one.obj_attr_is_set(name):
            continue
        same_value(getattr(one, name), getattr(other, name), where)


def same_value(a, b, where):
    if isinstance(a, ovo_base.VersionedObject):
        same(a, b, where)
    elif isinstance(a, list):
        equal(len(b), len(a), f"elements of {where}")
        for n, (x, y) in enumerate(zip(a, b)):
            same_value(x, y, f"{where}[{n}]")
    else:
        equal(b, a, where)


def round_trip(objects):
    for before, after in zip(objects, through(objects)):
        same(before, after, before.obj_name())
        equal(after.obj_to_primitive()["versioned_object.version"],
              before.obj_to_primitive()["versioned_object.version"], "version")


def nulled(make):
    """The object with null wherever it may be."""
    obj = make()
    for name, field in obj.fields.items():
        if field.nullable:
            setattr(obj, name, None)
    return obj


def bare(make):
    """Only the identity, as in pushes of what was deleted."""
    obj = make()
    keys = type(obj).primary_keys
    return type(obj)(**{name: getattr(obj, name) for name in keys})


def one_by_one(make):
    """The object with each of its fields alone beside the identity."""
    full = make()
    keys = type(full).primary_keys
    for name in full.fields:
        names = set(keys) | {name}
        yield type(full)(**{n: getattr(full, n) for n in names if full.obj_attr_is_set(n)})


def without_changes(value):
    """Neutron lists what changed; nobody reads that."""
    if isinstance(value, dict):
        return {k: without_changes(v) for k, v in value.items() if k != "versioned_object.changes"}
    return [without_changes(v) for v in value] if isinstance(value, list) else value


def older_versions():
    for obj, version in ((full_rule(), "1.1"), (full_policy(), "1.8"),
                         (full_address_group(), "1.1")):
        primitive = json.loads(jsonutils.dumps(obj.obj_to_primitive(target_version=version)))
        found = json.loads(ask([json.dumps(primitive)])[0])
        equal(found["versioned_object.version"], version, "version")
        equal(found, without_changes(primitive), obj.obj_name())


def changes():
    port = full_port()
    port.obj_reset_changes(recursive=True)
    port.status = "ACTIVE"
    expect("versioned_object.changes" in port.obj_to_primitive(), "no changes in the primitive")
    round_trip([port])


for type_name, maker in FULL.items():
    check(f"{type_name} with all its fields", lambda m=maker: round_trip([m()]))
    check(f"{type_name} with nulls", lambda m=maker: round_trip([nulled(m)]))
    check(f"{type_name} with only what it is known by", lambda m=maker: round_trip([bare(m)]))
    check(f"{type_name} with one field at a time", lambda m=maker: round_trip(list(one_by_one(m))))
check("Subnet of IPv6", lambda: round_trip([full_subnet("fd00:1::/64", 6)]))
check("an object that lists its changes", changes)
check("objects of older versions keep them", older_versions)
done()
