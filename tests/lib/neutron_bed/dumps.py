"""Flows and OVSDB rows in a form that can be compared.

flows() is for two dumps of one host (before and after): cookies and counters are gone, port
numbers are names, flows are sorted.  shapes() is for dumps of different runs or machines:
also what a run invents (MACs, addresses, tags, tunnel keys, conjunction ids, device names)
becomes a word, and what is then the same appears once.  ovsdb() and ovsdb_shapes() do the
same for the bridges, ports and interfaces.
"""

import re

COUNTERS = re.compile(r"\b(duration|n_packets|n_bytes|idle_age|hard_age|cookie)=[^ ,]+,? *")
# Where a flow of the agent holds a port number: matches, outputs, and register 5.
PORT = re.compile(r"(\bin_port=|\boutput:|\bresubmit:|\breg5=)(\d+|0x[0-9a-f]+)\b|"
                  r"\bset_field:(0x[0-9a-f]+)->reg5\b")
# Queues of minimum bandwidths have the numbers that their ports have on br-int.
QUEUE = re.compile(r"(\bpkt_mark=|\bset_queue:|\bload:(?=\w+->NXM_NX_PKT_MARK))"
                   r"(0x[0-9a-f]+|\d+)")
PORT_LINE = re.compile(r"^ *(\d+|LOCAL)\(([^)]+)\):", re.M)
LEARNED = ", hard_timeout="

WORDS = [(re.compile(pattern), word) for pattern, word in [
    (r"\btap[0-9a-f]{8}-[0-9a-f]{2}\b|\bqvo[0-9a-f]{8}-[0-9a-f]{2}\b", "GUEST"),
    (r"\b(vxlan|gre|geneve)-[0-9a-f]{8}\b", r"\1-PEER"),
    (r"(dl_(?:src|dst)=|arp_sha=|nd_sll=|nd_tll=)"
     r"(?!ff:ff:|00:00:00:00:00:00/|01:00:00:00:00:00/)(?:[0-9a-f]{2}:){5}[0-9a-f]{2}", r"\1MAC"),
    (r"(set_field:)(?:[0-9a-f]{2}:){5}[0-9a-f]{2}(->(?:arp_sha|eth_src|eth_dst))", r"\1MAC\2"),
    (r"\b(nw_src=|nw_dst=|arp_spa=|arp_tpa=)(?!0\.0\.0\.0\b)[0-9.]+(/\d+)?", r"\1IP\2"),
    (r"(set_field:)[0-9]+\.[0-9.]+(->arp_spa)", r"\1IP\2"),
    (r"\bfe80::[0-9a-f:]+", "LINKLOCAL"),
    (r"\b(ipv6_src=|ipv6_dst=|nd_target=)(?!fe80|LINKLOCAL|::,|:: )[0-9a-f:]+", r"\1IP6"),
    (r"\bdl_vlan=(?!4095\b)\d+", "dl_vlan=VLAN"),
    (r"\bset_field:\d+->vlan_vid", "set_field:VLAN->vlan_vid"),
    (r"\bvlan_tci=0x(?!0000/0x1fff)[0-9a-f]+/", "vlan_tci=VLAN/"),
    (r"\b(reg6=)0x[0-9a-f]+", r"\1NET"),
    (r"\bset_field:0x[0-9a-f]+->reg6", "set_field:NET->reg6"),
    (r"\bct_zone=\d+", "ct_zone=NET"),
    (r"\btun_id=0x[0-9a-f]+", "tun_id=KEY"),
    (r"\bset_field:0x[0-9a-f]+->tun_id", "set_field:KEY->tun_id"),
    (r"\bload:0x[0-9a-f]+->NXM_NX_TUN_ID", "load:KEY->NXM_NX_TUN_ID"),
    (r"\bconj_id=\d+", "conj_id=CONJ"),
    (r"\bset_field:0x[0-9a-f]+->reg7", "set_field:CONJ->reg7"),
    (r"\bconjunction\(\d+,", "conjunction(CONJ,"),
]]


def port_names(text):
    """{number: name} from what 'ovs-ofctl show' or a recorded .ports file says."""
    return {0xfffe if number == "LOCAL" else int(number): name
            for number, name in PORT_LINE.findall(text)}


def order(flow):
    table = re.search(r"table=(\d+)", flow)
    priority = re.search(r"priority=(\d+)", flow)
    return (int(table[1]) if table else 0, -int(priority[1] if priority else 32768), flow)


def flows(text, names, learned=False):
    """Lines of 'ovs-ofctl dump-flows' normalised; 'names' from port_names().

    Without 'learned' the flows are left out that came from a learn action: they come and go
    with traffic."""
    def named(match):
        number = match[2] or match[3]
        name = names.get(int(number, 0), number)
        return match[1] + name if match[2] else f"set_field:{name}->reg5"

    found = set()
    for line in text.splitlines():
        if "actions=" not in line or (LEARNED in line and not learned):
            continue
        flow = PORT.sub(named, COUNTERS.sub("", line).strip())
        found.add(flow if flow.startswith("table=") else "table=0, " + flow)
    return sorted(found, key=order)


def name_queues(lines, names):
    """Flows with the names of ports for numbers of queues; 'names' as br-int has them."""
    return [QUEUE.sub(lambda match: match[1] + names.get(int(match[2], 0), match[2]), line)
            for line in lines]


def shape(text):
    for pattern, word in WORDS:
        text = pattern.sub(word, text)
    return text


def shapes(lines):
    """Flows without what differs from run to run, each once."""
    return sorted({shape(line) for line in lines}, key=order)


def difference(found, wanted):
    """Text that names what is missing and what is too much; empty when they are equal."""
    missing = [line for line in wanted if line not in found]
    extra = [line for line in found if line not in wanted]
    return "\n".join([f"missing: {line}" for line in missing]
                     + [f"too much: {line}" for line in extra])


# --- OVSDB --------------------------------------------------------------------------------


def as_list(value):
    return value if isinstance(value, list) else [value]


# What an agent of ours notes for its next start; docs/interop.md.
NOTES = {"neutrino_guards"}


def ovsdb(bridges, ports, interfaces):
    """{bridge: {fail_mode, datapath_type, protocols, other_config, ports: {name: {...}}}}.

    The arguments are rows of the three tables as ovs.rows_of() gives them."""
    port_by_id = {row["_uuid"]: row for row in ports}
    interface_by_id = {row["_uuid"]: row for row in interfaces}
    result = {}
    for bridge in bridges:
        members = {}
        for port_id in as_list(bridge["ports"]):
            port = port_by_id[port_id]
            interface = interface_by_id[as_list(port["interfaces"])[0]]
            member = members[port["name"]] = {
                "tag": port["tag"], "vlan_mode": port["vlan_mode"], "trunks": port["trunks"],
                "other_config": {key: value for key, value in port["other_config"].items()
                                 if key not in NOTES}, "type": interface["type"],
                "options": interface["options"], "external_ids": interface["external_ids"],
            }
            rate, burst = (interface[f"ingress_policing_{part}"] for part in ("rate", "burst"))
            if rate or burst:
                member["policing"] = f"{rate}/{burst}"
        result[bridge["name"]] = {
            "datapath_type": bridge["datapath_type"], "fail_mode": bridge["fail_mode"],
            "protocols": sorted(as_list(bridge["protocols"])),
            "other_config": bridge["other_config"], "has_controller": bridge["controller"] != [],
            "mcast_snooping_enable": bridge["mcast_snooping_enable"],
            "ports": dict(sorted(members.items())),
        }
    return dict(sorted(result.items()))


def limits(ports, qos, queues, names):
    """QoS and Queue rows as lines: what each says, and who refers to it.

    The arguments are rows of these tables, so that also a row that nobody uses is seen, and
    names for numbers of queues as br-int has them."""
    def text(row, users):
        ids = dict(sorted(row["external_ids"].items()))
        if "queue-num" in ids:
            ids["queue-num"] = names.get(int(ids["queue-num"]), ids["queue-num"])
        if ids.get("_type") == "minimum_bandwidth":
            ids["id"] = "*"  # The agent's own choice.
        return (f"external_ids={ids} other_config={dict(sorted(row['other_config'].items()))}"
                f" of {sorted(users)}")

    users = {row["_uuid"]: [] for row in queues}
    lines = []
    for row in qos:
        numbers = [names.get(number, number) for number in row["queues"]]
        for number, queue_id in zip(numbers, row["queues"].values()):
            users[queue_id].append(number)
        of_ports = [port["name"] for port in ports if port["qos"] == row["_uuid"]]
        lines.append(f"QoS {row['type']} {text(row, of_ports)} "
                     f"queues={sorted(numbers, key=str)}")
    return lines + [f"Queue {text(row, users[row['_uuid']])}" for row in queues]


def meters(text):
    """What 'ovs-ofctl dump-meters' says, each meter with its bands on one line."""
    found = re.findall(r"^meter=.*(?:\n(?!meter=|OFPST).+)*", text, re.M)
    return sorted(" ".join(meter.split()) for meter in found)


def ovsdb_lines(tree):
    """ovsdb() as lines 'bridge column=value' and 'bridge port column=value'."""
    lines = []
    for bridge, row in tree.items():
        lines += [f"{bridge} {column}={value}" for column, value in row.items()
                  if column != "ports"]
        for name, port in row["ports"].items():
            lines += [f"{bridge} {name} {column}="
                      f"{dict(sorted(value.items())) if isinstance(value, dict) else value}"
                      for column, value in port.items()]
    return lines


RUN_VALUES = {"net_uuid", "segmentation_id", "tag", "attached-mac", "iface-id", "vm-uuid",
              "local_ip", "remote_ip", "bridge-id"}


def ovsdb_shapes(tree):
    """ovsdb() as sorted lines 'bridge port column=value', without what differs per run."""
    lines = set()
    for bridge, row in tree.items():
        for column, value in row.items():
            if column != "ports":
                lines.add(f"{bridge} {column}={value}")
        for name, port in row["ports"].items():
            name = shape(name)
            for column, value in port.items():
                if isinstance(value, dict):
                    value = {key: "*" if key in RUN_VALUES else inner
                             for key, inner in sorted(value.items())}
                if column == "tag" and value != [] and value != 4095:
                    value = "TAG"
                lines.add(f"{bridge} {name} {column}={value}")
    return sorted(lines)
