#!/usr/bin/env python3
"""What a crowd of bad clients can do to the exporter, and what a good client notices.

    benches/clients/run.py [--seconds 60] [--clients 1000] [--rate 20000] [--listener tcp] [--program PATH]

Starts the real program with 1,024 open files on a tree with full tables, appends lines all the time, and lets
one crowd after the other at it: clients that drip a request, clients that ask and read nothing, scrapers
without a pause; over TLS (`--listener tls`) those as well that begin a handshake and leave it. Each is a process of its own with one epoll. Meanwhile a well-behaved scraper comes from
127.0.0.2, `healthcheck` runs, and the program's memory and files are looked at. Prints a table; the exit
status is 1 when a bound is broken.
"""

import argparse
import errno
import heapq
import multiprocessing
import os
import pathlib
import random
import resource
import select
import socket
import ssl
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHANNELS = 144
BOUNDS = {"p99 ms": 250.0, "RSS MiB": 64.0, "health ms": 1000.0}
GET = b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
# A client that was closed comes back after so many seconds.
AGAIN = 0.25
# The begin of a ClientHello.
HALF = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
WAIT = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


def entry(rest):
    return f"{time.strftime('%d-%b-%Y %H:%M:%S')}.00 {rest}\n"


def install(directory):
    """A tree whose page is about 420 KB: every channel has a queue, entries of all kinds, and its own failures."""
    log, queue = directory / "root/data/log", directory / "root/data/queue"
    log.mkdir(parents=True)
    (directory / "root/lib").mkdir()
    (directory / "root/log").symlink_to("data/log")
    lines = []
    for number in range(CHANNELS):
        name = f"tcp_{number:03}"
        (queue / name / "000").mkdir(parents=True)
        (queue / name / "000" / "ZZf0r4i0Wdy51.01").write_text("m;a@b.example")
        lines.append(entry(f"{name} tcp_{number * 7 % CHANNELS:03} E 5 a@b.example rfc822;c@d.example c@d"))
        lines.append(entry(f"{name}  D 5 a@b.example rfc822;c@d{number}.example c@d.example mailsrv"))
        for status in ("4.4.1", "4.7.1", f"4.2.{number % 40}"):
            reply = f"smtp;451 {status} not now"
            lines.append(entry(f"{name}  Q 5 a@b.example rfc822;c@d{number}.example c@d{number}.example mailsrv {reply}"))
        lines.append(entry(f"{name} + O TCP|192.0.2.1|25|198.51.100.{number}|{1024 + number} SMTP"))
    (log / "mail.log_current").write_text("".join(lines))
    return log / "mail.log_current", len(lines)


def certificate(directory):
    """A web configuration with TLS."""
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=bench"]
    command += ["-keyout", directory / "key.pem", "-out", directory / "cert.pem"]
    subprocess.run(command, check=True, capture_output=True)
    (directory / "web.yml").write_text("tls_server_config: {cert_file: cert.pem, key_file: key.pem}\n")
    return ["--web.config.file", directory / "web.yml"]


def context(listener):
    """How clients speak TLS, where they do."""
    if listener != "tls":
        return None
    made = ssl.create_default_context()
    made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
    return made


class Exporter:
    def __init__(self, program, directory, listener):
        self.program = program
        self.web = certificate(directory) if listener == "tls" else []
        limit = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 1024))
        command = [program, "run", "--as-root", "--listen", "127.0.0.1:0", "--root", directory / "root"]
        command += ["--state-dir", directory / "state", *self.web]
        environment = dict(os.environ, IMSIMTA_EXPORTER__LOGS__START="beginning")
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, preexec_fn=limit, env=environment)
        said = []
        for line in self.process.stderr:
            said.append(line)
            if "address=" in line:
                break
        else:
            sys.exit("the program does not start:\n" + "".join(said))
        host, port = line.split("address=")[1].split()[0].rsplit(":", 1)
        self.address = (host, int(port))
        # Nobody reads what else it says, and it must not wait for that.
        multiprocessing.Process(target=lambda: [None for _ in self.process.stderr], daemon=True).start()

    def status(self):
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(text.split("VmRSS:")[1].split()[0]) / 1024, int(text.split("Threads:")[1].split()[0])

    def files(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def cpu(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def healthcheck(self):
        start = time.monotonic()
        command = [self.program, "healthcheck", "--listen", "%s:%d" % self.address, *self.web]
        result = subprocess.run(command, capture_output=True, text=True)
        return time.monotonic() - start, result.returncode == 0, result.stderr.strip()


def scrape(address, tls, timeout=5):
    """One page from 127.0.0.2; its text, or None."""
    try:
        with socket.socket() as client:
            client.settimeout(timeout)
            client.bind(("127.0.0.2", 0))
            client.connect(address)
            client = tls.wrap_socket(client) if tls else client
            client.sendall(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
            parts = []
            while part := client.recv(1 << 18):
                parts.append(part)
        head, _, page = b"".join(parts).partition(b"\r\n\r\n")
        length = next(int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
        return page.decode() if head.startswith(b"HTTP/1.1 200") and len(page) == length else None
    except (OSError, StopIteration):
        return None


def value(page, sample):
    found = [line for line in page.split("\n") if line.startswith(sample + " ")]
    return float(found[0].rsplit(" ", 1)[1]) if found else None


def write(path, rate, written, stop):
    """Appends whole lines, a hundred times a second, and says how many."""
    lines = 0
    with open(path, "ab", buffering=0) as log:
        start = time.monotonic()
        while not stop.is_set():
            block = entry("tcp_001  D 5 a@b.example rfc822;c@d.example c@d.example mailsrv dns;d.example").encode()
            due = int((time.monotonic() - start) * rate) - lines
            log.write(block * due)
            lines += due
            written.value = lines
            time.sleep(0.01)


class Crowd:
    """Many clients of one kind, in one process."""

    def __init__(self, kind, address, clients, tls):
        self.kind, self.address, self.tls = kind, address, None if kind == "half a handshake" else tls
        self.poll, self.clients = select.epoll(), {}
        self.due = [(time.monotonic() + index / clients, index) for index in range(clients)]
        heapq.heapify(self.due)
        self.pages = self.refused = self.closed = 0

    def connect(self):
        client = socket.socket()
        client.setblocking(False)
        if self.kind == "read nothing":
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        if client.connect_ex(self.address) not in (0, errno.EINPROGRESS):
            client.close()
            return self.again()
        if self.tls:
            client = self.tls.wrap_socket(client, do_handshake_on_connect=False)
        self.clients[client.fileno()] = [client, 0, b"", bool(self.tls)]
        self.poll.register(client.fileno(), select.EPOLLOUT)

    def again(self):
        heapq.heappush(self.due, (time.monotonic() + AGAIN, random.random()))

    def drop(self, number):
        client = self.clients.pop(number, None)
        if client:
            client[0].close()
            self.closed += 1
            self.again()

    def run(self, counts, stop):
        dripped = time.monotonic()
        while not stop.is_set():
            now = time.monotonic()
            while self.due and self.due[0][0] <= now:
                heapq.heappop(self.due)
                self.connect()
            if self.kind == "drip" and now - dripped > 1:
                dripped = now
                for number in list(self.clients):
                    self.send(number, b"x")
            for number, events in self.poll.poll(0.02, 512):
                self.event(number, events)
            counts[0], counts[1], counts[2] = self.pages, self.refused, self.closed

    def event(self, number, events):
        if number not in self.clients:
            return
        if events & (select.EPOLLERR | select.EPOLLHUP):
            return self.drop(number)
        if self.clients[number][3]:
            return self.shake(number)
        if events & select.EPOLLOUT:
            return self.begin(number)
        if self.kind == "scrape" and events & select.EPOLLIN:
            return self.read(number)
        self.drop(number)

    def shake(self, number):
        try:
            self.clients[number][0].do_handshake()
        except ssl.SSLWantReadError:
            return self.poll.modify(number, select.EPOLLIN)
        except ssl.SSLWantWriteError:
            return self.poll.modify(number, select.EPOLLOUT)
        except OSError:
            return self.drop(number)
        self.clients[number][3] = False
        self.begin(number)

    def begin(self, number):
        begin = {"half a handshake": HALF, "read nothing": GET * 3, "scrape": GET}
        begin["drip"] = b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nX: "
        self.poll.modify(number, select.EPOLLIN if self.kind == "scrape" else select.EPOLLRDHUP)
        self.send(number, begin[self.kind])

    def send(self, number, what):
        try:
            self.clients[number][0].send(what)
        except WAIT:
            pass
        except OSError:
            self.drop(number)

    def read(self, number):
        """All that is there: what TLS has read already wakes nobody."""
        while number in self.clients:
            client = self.clients[number]
            try:
                part = client[0].recv(1 << 16)
            except WAIT:
                return
            except OSError:
                return self.drop(number)
            if not part:
                return self.drop(number)
            self.take(number, client, part)

    def take(self, number, client, part):
        if client[1] == 0:
            head, found, body = (client[2] + part).partition(b"\r\n\r\n")
            if not found:
                client[2] = head
                return
            client[2] = b""
            if not head.startswith(b"HTTP/1.1 200"):
                self.refused += 1
                return self.drop(number)
            client[1] = int(head.lower().split(b"content-length: ")[1].split(b"\r")[0]) - len(body)
        else:
            client[1] -= len(part)
        if client[1] == 0:
            self.pages += 1
            self.send(number, GET)


def crowd(kind, address, listener, clients, counts, stop):
    resource.setrlimit(resource.RLIMIT_NOFILE, (clients + 64, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    Crowd(kind, address, clients, context(listener)).run(counts, stop)


def scrapers(address, listener, results, stop):
    """A page five times a second, on a connection of its own."""
    tls = context(listener)
    while not stop.is_set():
        start = time.monotonic()
        page = scrape(address, tls)
        took = time.monotonic() - start
        failing = page and [line for line in page.split("\n") if line.startswith("imsimta_collector_success") and not line.endswith(" 1")]
        results.put((took if page else float("inf"), len(page or ""), failing or []))
        time.sleep(max(0.0, 0.2 - took))


def phase(exporter, kind, arguments):
    stop, counts, results = multiprocessing.Event(), multiprocessing.Array("q", 3), multiprocessing.Queue()
    listener = arguments.listener
    workers = [multiprocessing.Process(target=scrapers, args=(exporter.address, listener, results, stop))]
    if kind != "nobody else":
        told = (kind, exporter.address, listener, arguments.clients, counts, stop)
        workers.append(multiprocessing.Process(target=crowd, args=told))
    for worker in workers:
        worker.start()
    memory, files, threads, health, pages, said = 0.0, 0, 0, [], [], set()
    start, cpu, checked = time.monotonic(), exporter.cpu(), 0.0
    while time.monotonic() - start < arguments.seconds:
        rss, running = exporter.status()
        memory, threads, files = max(memory, rss), max(threads, running), max(files, exporter.files())
        if time.monotonic() - checked > 1:
            took, fine, error = exporter.healthcheck()
            checked = time.monotonic()
            health.append(took if fine else float("inf"))
            if error:
                said.add(error)
        while not results.empty():
            pages.append(results.get())
        time.sleep(0.1)
    cpu = (exporter.cpu() - cpu) / (time.monotonic() - start)
    stop.set()
    while any(worker.is_alive() for worker in workers) or not results.empty():
        if results.empty():
            time.sleep(0.05)
        else:
            pages.append(results.get())
    times = sorted(took for took, _, _ in pages)
    failing = sorted({line for _, _, lines in pages for line in lines})
    at = lambda part: 1000 * times[min(len(times) - 1, int(len(times) * part))]
    row = {
        "crowd": kind, "pages": len(times), "failed": sum(took == float("inf") for took in times),
        "p50 ms": at(0.5), "p99 ms": at(0.99), "max ms": 1000 * times[-1], "health ms": 1000 * max(health),
        "RSS MiB": memory, "files": files, "threads": threads, "CPU %": 100 * cpu,
        "crowd's pages": counts[0], "told to wait": counts[1], "closed": counts[2],
    }
    return row, failing, said


def table(rows):
    show = lambda cell: f"{cell:,.1f}" if isinstance(cell, float) else str(cell)
    print("| " + " | ".join(rows[0]) + " |")
    print("| --- |" + " ---: |" * (len(rows[0]) - 1))
    for row in rows:
        print("| " + " | ".join(show(cell) for cell in row.values()) + " |", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--clients", type=int, default=1000)
    parser.add_argument("--rate", type=int, default=20000)
    parser.add_argument("--listener", choices=("tcp", "tls"), default="tcp")
    parser.add_argument("--program", type=pathlib.Path, default=ROOT / "target/release/imsimta-exporter")
    arguments = parser.parse_args()
    multiprocessing.set_start_method("fork")
    problems, rows = [], []
    with tempfile.TemporaryDirectory() as directory:
        log, lines = install(pathlib.Path(directory))
        exporter = Exporter(arguments.program, pathlib.Path(directory), arguments.listener)
        tls = context(arguments.listener)
        kinds = ["nobody else", "drip", "read nothing", "scrape"] + ["half a handshake"] * (arguments.listener == "tls")
        try:
            sample = 'imsimta_log_lines_total{log="mail.log_current"}'
            caught_up = lambda wanted: value(scrape(exporter.address, tls) or "", sample) == wanted
            wait(lambda: caught_up(lines), "the tables are full")
            wait(lambda: "imsimta_queue_messages" in (scrape(exporter.address, tls) or ""), "the queue is read")
            print(f"page: {len(scrape(exporter.address, tls)):,} bytes", flush=True)
            written, stop = multiprocessing.Value("q"), multiprocessing.Event()
            writer = multiprocessing.Process(target=write, args=(log, arguments.rate, written, stop))
            writer.start()
            for kind in kinds:
                row, failing, said = phase(exporter, kind, arguments)
                rows.append(row)
                problems += [f"{kind}: {line}" for line in failing]
                problems += [f"{kind}: {line}" for line in said]
                problems += [f"{kind}: {name} is {row[name]:.1f}, bound {most}" for name, most in BOUNDS.items() if row[name] > most]
            stop.set()
            writer.join()
            table(rows)
            total = lines + written.value
            if wait(lambda: caught_up(total), "every line is counted", problems):
                print(f"all {total:,} lines were counted")
            cut = [line for line in scrape(exporter.address, tls).split("\n") if line.startswith("imsimta_exporter_http_")]
            print("\n".join(cut))
        finally:
            exporter.process.terminate()
            exporter.process.wait()
    for problem in problems:
        print("BROKEN:", problem)
    sys.exit(1 if problems else 0)


def wait(wanted, what, problems=None):
    deadline = time.monotonic() + 30
    while not wanted():
        if time.monotonic() > deadline:
            if problems is None:
                sys.exit(f"never: {what}")
            problems.append(f"never: {what}")
            return False
        time.sleep(0.2)
    return True


main()
