#!/usr/bin/python3 -B
# timeout: 600
"""The same 28 lines with RabbitMQ between the programs (make up BROKER=rabbit)."""

import flat_connectivity

flat_connectivity.main("fr", "rabbit")
