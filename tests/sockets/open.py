"""Opens real TCP connections over loopback in known states, and keeps them until its standard input ends.

open.py STATE=COUNT ... with the states of the server's ends: established, waiting (nobody accepts), close_wait, left (the same,
and nothing is left of the client's end after a minute), fin_wait2,
syn_recv (TCP_DEFER_ACCEPT: the client has confirmed and sends nothing), time_wait. IPv4 and IPv6 by turns. Writes one line
of JSON: for each local port, how many sockets are in which state. OPEN_AS is the program that the process is,
OPEN_CLIENTS how many addresses the clients of a listener have, OPEN_MOST how many connections a process opens.
"""

import json
import os
import resource
import shutil
import socket
import subprocess
import sys

BACKLOG = 4096
# A kernel without SYN cookies keeps 1,536 requests a listener by default.
REQUESTS_A_LISTENER = 1000
# The kernel keeps a request for about as long.
DEFER_SECONDS = 300
CLIENTS = int(os.environ.get("OPEN_CLIENTS", "40"))
MOST_OF_A_PROCESS = int(os.environ.get("OPEN_MOST", "5000"))


class Listener:
    def __init__(self, family, address, deferred=False):
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        if deferred:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, DEFER_SECONDS)
        self.socket.bind((address, 0))
        self.socket.listen(BACKLOG)
        self.family, self.address = family, self.socket.getsockname()
        self.states = {"listen": 1}
        self.opened = 0

    def count(self, state, number=1):
        self.states[state] = self.states.get(state, 0) + number

    def connect(self):
        client = socket.socket(self.family, socket.SOCK_STREAM)
        if self.family == socket.AF_INET:
            # Many clients, with ports that are chosen when the connection is known.
            client.setsockopt(socket.IPPROTO_IP, 24, 1)  # IP_BIND_ADDRESS_NO_PORT
            number = 1 + self.opened % CLIENTS
            client.bind(("127.%d.%d.%d" % (1 + number // 65536, number // 256 % 256, number % 256), 0))
        self.opened += 1
        client.connect(self.address)
        return client

    def pair(self):
        client = self.connect()
        server, _ = self.socket.accept()
        return client, server


def families():
    yield socket.AF_INET, "127.0.0.1"
    try:
        probe = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
        probe.bind(("::1", 0))
        probe.close()
        yield socket.AF_INET6, "::1"
    except OSError:
        pass


def share(wanted):
    """Several processes, each with a part of it: one may not open as many files. What they have opened, and they."""
    shares = -(-sum(wanted.values()) // MOST_OF_A_PROCESS)
    processes = []
    for number in range(shares):
        part = {state: count * (number + 1) // shares - count * number // shares for state, count in wanted.items()}
        words = ["%s=%d" % of for of in part.items()]
        command = [sys.executable, __file__, *words]
        processes.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
    states = {}
    for process in processes:
        states.update(json.loads(process.stdout.readline()))
    return states, processes


def take_name():
    """Becomes a process that executes the program OPEN_AS, which is a copy of this interpreter."""
    name = os.environ.pop("OPEN_AS", None)
    if name:
        shutil.copy(os.path.realpath(sys.executable), name)
        os.environ["PYTHONHOME"] = sys.prefix
        os.execv(name, [name, os.path.abspath(__file__), *sys.argv[1:]])


def main():
    take_name()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    wanted = dict((state, int(count)) for state, count in (word.split("=") for word in sys.argv[1:]))
    states, kept = share(wanted) if sum(wanted.values()) > MOST_OF_A_PROCESS else open_all(wanted)
    print(json.dumps(states), flush=True)
    sys.stdin.read()


def open_all(wanted):
    """The sockets by port and state, and what has to be kept for them."""
    places = list(families())
    plain = [Listener(*place) for place in places]
    listeners = list(plain)
    kept = []

    def each(state):
        for number in range(wanted.get(state, 0)):
            yield plain[number % len(plain)]

    for listener in each("established"):
        kept.append(listener.pair())
        listener.count("established")
    for listener in each("close_wait"):
        client, server = listener.pair()
        client.shutdown(socket.SHUT_WR)
        kept.append((client, server))
        listener.count("close_wait")
    for listener in each("left"):
        client, server = listener.pair()
        client.close()
        kept.append(server)
        listener.count("close_wait")
    for listener in each("fin_wait2"):
        client, server = listener.pair()
        server.shutdown(socket.SHUT_WR)
        kept.append((client, server))
        listener.count("fin_wait2")
    requests = wanted.get("syn_recv", 0)
    for start in range(0, requests, REQUESTS_A_LISTENER):
        deferred = Listener(*places[start // REQUESTS_A_LISTENER % len(places)], deferred=True)
        for _ in range(min(REQUESTS_A_LISTENER, requests - start)):
            kept.append(deferred.connect())
            deferred.count("syn_recv")
        listeners.append(deferred)
    # Closed last, since they go after a minute; all are open first, so that no port is used twice.
    ending = [(listener, listener.pair()) for listener in each("time_wait")]
    for listener in each("waiting"):
        kept.append(listener.connect())
        listener.count("established")
    for _, (_, server) in ending:
        server.close()
    for listener, (client, _) in ending:
        client.close()
        listener.count("time_wait")
    return {str(listener.address[1]): listener.states for listener in listeners}, (kept, listeners)


main()
