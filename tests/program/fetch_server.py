"""A web server on the loopback interface that behaves in every way a server can: late, wrong, rude, without end.

It counts what it is asked for and how many connections are open at once.
"""
import collections
import http.server
import socket
import ssl
import struct
import threading
import time


def content(size):
    """Bytes of all values, the same for the same size."""
    return bytes((7 * i + i // 256 + size) % 256 for i in range(size))


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # connections stay open
    disable_nagle_algorithm = True  # else heads and bodies wait for each other, 40 ms a request

    def log_message(self, *_):
        pass

    def handle(self):
        try:
            super().handle()
        except OSError:
            pass  # the client is gone, which is what some tests are about

    def do_GET(self):
        kind, *words = self.path.split("?")[0].strip("/").split("/")
        self.server.count(self.path)
        getattr(self, f"serve_{kind}", self.serve_nothing)(*words)

    def send(self, body, status=200, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def serve_nothing(self, *_):
        self.send(b"there is nothing here", 404)

    def serve_bytes(self, size):
        self.send(content(int(size)))

    def serve_large(self, size, *_):
        """The same in no time."""
        self.send(self.server.block * (int(size) // len(self.server.block)))

    def serve_stream(self, size, *_):
        """The same without its length."""
        self.start_chunks()
        for _ in range(int(size) // len(self.server.block)):
            self.chunk(self.server.block)
        self.chunk(b"")

    def serve_agent(self):
        self.send(self.headers["User-Agent"].encode())

    def serve_status(self, code, *_):
        self.send(f"status {code}".encode(), int(code))

    def serve_delay(self, milliseconds, *words):
        time.sleep(int(milliseconds) / 1000)
        self.send("/".join(words).encode())

    def serve_meet(self, count, *words):
        """Answers once so many requests are here together."""
        self.send("/".join(words).encode(), 200 if self.server.meet(int(count)) else 410)

    def serve_hang(self, *_):
        self.server.over.wait()
        self.close_connection = True

    def serve_gate(self, *_):
        """Answers once the test lets it."""
        self.server.gate.wait()
        self.send(b"open")

    def serve_shut(self, *_):
        """Not there until the test lets it."""
        self.send(b"open", 200) if self.server.gate.is_set() else self.send(b"shut", 404)

    def serve_later(self, *_):
        """Not there the first time, and then as a gate."""
        if self.server.requests[self.path] == 1:
            return self.send(b"later", 404)
        return self.serve_gate()

    def serve_counter(self):
        """Never the same twice."""
        self.send(str(self.server.requests[self.path]).encode())

    def serve_flaky(self, times, status, *_):
        """Fails the first times."""
        if self.server.requests[self.path] <= int(times):
            return self.send(b"not yet", int(status))
        return self.send(b"at last")

    def serve_wait(self, seconds, *_):
        """Says how long to wait, once."""
        if self.server.requests[self.path] == 1:
            return self.send(b"too many", 429, Retry_After=seconds)
        return self.send(b"thanks")

    def serve_redirect(self, hops, *words):
        here = f"/redirect/{int(hops) - 1}/{'/'.join(words)}" if int(hops) > 1 else "/" + "/".join(words)
        self.send(b"elsewhere", 302, Location=here)

    def serve_loop(self):
        self.send(b"elsewhere", 301, Location="/loop")

    def serve_tofile(self):
        self.send(b"elsewhere", 302, Location="file:///etc/passwd")

    def cut(self):
        """Ends the connection at once, by a reset."""
        self.wfile.flush()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def serve_reset(self, times, *_):
        """Resets in mid-body the first times."""
        if self.server.requests[self.path] > int(times):
            return self.send(content(1000))
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(content(1000)[:500])
        return self.cut()

    def serve_short(self):
        """Promises more than there is."""
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b"short")
        self.close_connection = True

    def serve_excess(self, *_):
        """The same on a connection that stays open: what is too much lies before the next answer."""
        self.send(b"long")
        self.wfile.write(b" and more\r\n\r\n")
        self.wfile.flush()

    def serve_late(self, *_):
        """The same, once the next request is on its way."""
        self.send(b"long")

        def go_on():
            try:
                self.connection.sendall(b" and more\r\n\r\n")
            except OSError:
                pass  # the client has left

        threading.Timer(0.05, go_on).start()

    def serve_old(self):
        """HTTP/0.9: a body and nothing else."""
        self.wfile.write(b"no head\n")
        self.close_connection = True

    def serve_toftp(self):
        self.send(b"elsewhere", 302, Location="ftp://127.0.0.1/x")

    def serve_authorization(self):
        self.send(self.headers.get("Authorization", "").encode())

    def serve_long(self):
        """Sends more than was promised."""
        self.send_response(200)
        self.send_header("Content-Length", "4")
        self.end_headers()
        self.wfile.write(b"long and more")
        self.close_connection = True

    def chunk(self, data):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def start_chunks(self):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def serve_slow(self, size, milliseconds):
        self.start_chunks()
        for byte in content(int(size)):
            self.chunk(bytes([byte]))
            time.sleep(int(milliseconds) / 1000)
        self.chunk(b"")

    def serve_endless(self):
        self.start_chunks()
        while not self.server.over.is_set():
            self.chunk(bytes(10000))


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, certificate=None):
        """certificate: a PEM file with its key; then it is a server of https."""
        super().__init__(("127.0.0.1", 0), Handler)
        self.lock = threading.Condition()
        self.block = content(100_000)
        self.requests = collections.Counter()  # by path
        self.open, self.most_open, self.connections = 0, 0, 0
        self.waiting, self.rounds = 0, 0
        self.over = threading.Event()
        self.gate = threading.Event()
        self.scheme = "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            # Handshakes are the threads' own affair: one that fails must not stop who accepts.
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
            self.scheme = "https"
        self.thread = threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.gate.set()
        self.shutdown()
        self.thread.join()
        self.server_close()

    def url(self, path="/", host="127.0.0.1"):
        return f"{self.scheme}://{host}:{self.server_port}{path}"

    def count(self, path):
        with self.lock:
            self.requests[path] += 1

    def meet(self, count, timeout=20):
        with self.lock:
            self.waiting += 1
            mine = self.rounds
            if self.waiting >= count:
                self.waiting, self.rounds = 0, self.rounds + 1
                self.lock.notify_all()
            return self.lock.wait_for(lambda: self.rounds > mine, timeout)

    def process_request_thread(self, request, client_address):
        with self.lock:
            self.connections += 1
            self.open += 1
            self.most_open = max(self.most_open, self.open)
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self.lock:
                self.open -= 1

    def handle_error(self, request, client_address):
        pass  # clients that refuse a certificate, or leave


if __name__ == "__main__":
    with Server() as server:
        print(server.url(), flush=True)
        threading.Event().wait()
