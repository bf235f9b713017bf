"""The mail catcher that `smtp.sh` starts: SMTP that delivers nothing, and HTTP that returns what it got."""

import asyncio
import email
import email.policy
import hmac
import json
import os
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import trustme
from aiosmtpd.smtp import SMTP, AuthResult

PORT, HTTP_PORT = int(os.environ["PORT"]), int(os.environ["HTTP_PORT"])
USER, PASSWORD = os.environ["SMTP_USER"], os.environ["SMTP_PASSWORD"]
mails = []


def as_json(envelope, session):
    message = email.message_from_bytes(envelope.content, policy=email.policy.default)
    headers = {}
    for name, value in message.items():
        headers.setdefault(name, []).append(str(value))
    text, html = (message.get_body((kind,)) for kind in ("plain", "html"))
    return {
        "from": envelope.mail_from,
        "to": envelope.rcpt_tos,
        "subject": str(message.get("subject", "")),
        "text": text and text.get_content(),
        "html": html and html.get_content(),
        "headers": headers,
        "tls": session.ssl is not None,
        "authenticated": bool(session.authenticated),
    }


class Catcher:
    async def handle_DATA(self, server, session, envelope):
        mails.append(as_json(envelope, session))
        return "250 OK"


class Http(BaseHTTPRequestHandler):
    def answer(self, status, body=b""):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.path != "/mails":
            return self.answer(404)
        self.answer(200, json.dumps(mails).encode())

    def do_DELETE(self):
        if self.path != "/mails":
            return self.answer(404)
        mails.clear()
        self.answer(204)

    def log_message(self, *_):
        pass


def authenticate(server, session, envelope, mechanism, given):
    expected = [USER.encode(), PASSWORD.encode()]
    matches = [hmac.compare_digest(*pair) for pair in zip(expected, (given.login, given.password))]
    return AuthResult(success=all(matches), handled=False)


def starttls():
    authority = trustme.CA()
    authority.cert_pem.write_to_path("ca.pem")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    return context


async def main():
    loop, context = asyncio.get_running_loop(), starttls()

    def connection():
        return SMTP(
            Catcher(),
            hostname="localhost",
            enable_SMTPUTF8=True,
            tls_context=context,
            authenticator=authenticate,
            auth_required=bool(USER),
            auth_require_tls=False,
            auth_exclude_mechanism=() if USER else ("PLAIN", "LOGIN"),
            loop=loop,
        )

    server = await loop.create_server(connection, "127.0.0.1", PORT)
    http = ThreadingHTTPServer(("127.0.0.1", HTTP_PORT), Http)
    threading.Thread(target=http.serve_forever, daemon=True).start()
    await server.serve_forever()


asyncio.run(main())
