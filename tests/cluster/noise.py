#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""noise.py MEGABYTES CONNECTIONS ADDRESS:PORT...: random bytes to each port, in that many connections in all.

Some are left open without a word, some are closed at once, the others bring the bytes. Prints what was sent.
"""
import os
import socket
import sys

megabytes, connections, places = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
each = -(-connections // len(places))
piece = megabytes * 1000000 // (each * len(places) * 8 // 10) + 1
opened = sent = 0
silent = []
for place in places:
    host, port = place.rsplit(":", 1)
    for number in range(each):
        try:
            s = socket.create_connection((host, int(port)), timeout=5)
        except OSError:
            continue
        opened += 1
        if number % 10 == 0:
            silent.append(s)
            continue
        if number % 10 != 1:
            data = os.urandom(piece)
            try:
                while data:
                    n = s.send(data)
                    sent += n
                    data = data[n:]
            except OSError:
                pass
        s.close()
print(f"{opened} connections, {sent} bytes")
