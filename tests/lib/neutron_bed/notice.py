#!/usr/bin/python3 -B
"""Says something to all agents as a server does, by oslo.messaging: notice.py URL TOPIC METHOD
ARGUMENTS, the last a JSON object.  Run by Bed.notify()."""

import json
import os
import sys

from oslo_config import cfg
import oslo_messaging

CONTEXT = {"is_admin": True, "user_id": None, "project_id": None, "roles": [],
           "request_id": "req-11111111-2222-3333-4444-555555555555"}


def main():
    url, topic, method, arguments = sys.argv[1:]
    cfg.CONF([])
    oslo_messaging.set_transport_defaults("neutron")
    transport = oslo_messaging.get_rpc_transport(cfg.CONF, url=url)
    target = oslo_messaging.Target(topic=topic, version="1.0", fanout=True)
    oslo_messaging.get_rpc_client(transport, target).cast(CONTEXT, method,
                                                          **json.loads(arguments))
    # Threads of the library need some ten seconds to end.
    os._exit(0)


if __name__ == "__main__":
    main()
