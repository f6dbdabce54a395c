"""A bed of stock parts that programs of ours are tested in: neutron-server, RabbitMQ, MariaDB
and hosts with a real Open vSwitch each, in namespaces that end with the test.

    from neutron_bed import bed_for

    bed = bed_for(hosts=2, agents="python")         # up, or the file ends; gone at the end
    net = bed.api.network("blue", "vxlan")
    bed.api.subnet(net, "10.1.0.0/24")
    port = bed.api.port(net, "h1", name="one")
    guest = bed.host(1).plug(port)                  # a network namespace with eth0
    bed.wait_active(port)
    guest.wait_ping(other); guest.run(["ip", "route"])
    pinger = bed.pinger(guest, other); ...; result = pinger.stop()    # .lost, .gap
    bed.host(1).ovs("vsctl", "show")                # only for looking
    bed.host(1).flows("br-int"), bed.host(1).ovsdb()      # normalised, see dumps.py
    bed.host(2).start_agent("neutrino", {"agent": {"arp_responder": "false"}})
    bed.host(1).agent.kill(); bed.host(1).restart_switch(kill=True)
    bed.server.pause(); bed.server.resume(); bed.broker.kill(); bed.broker.start()
    bed.mariadb.query("SELECT status FROM ports WHERE id = %s", port["id"])
    bed.clone_ports(port, 500, host="h2")           # rows in the database: 500 more ports

Which daemon is where: bed.server, bed.broker, bed.mariadb on host 'ctl'; host.agent,
host.switch.ovsdb, host.switch.vswitchd on 'h1', 'h2', ...  Each can start, stop, kill,
pause, resume; .pid, .cpu_seconds(), .rss_kib() and .log say more.
docs/testbed.md tells what it costs and how 'make lab-neutron' brings one up to stay.
"""

import check  # It also finds neutrinolab.

from .bed import Bed, BedHost
from .pinger import Pinger

__all__ = ["Bed", "BedHost", "Pinger", "bed_for"]


def bed_for(hosts=2, agents=None, agent_options=None, **options):
    """A bed that is up, for a test file; ends the file with a failed check when it cannot.

    agents: kind of agent to start on every host.  Other options are Bed's."""
    bed = Bed(hosts, **options)
    check.cleanup(lambda: bed.down(failed=check.failed()))
    check.at_end("agents end in order", bed.end_agents)
    check.need("the bed comes up", lambda: bed.up(agents, agent_options))
    return bed
