# Tiles by signed addresses. What is signed is the time at which the address expires, with a data product below /cog/, and
# with a filter and a limit below /mvt/.
vcl 4.1;

import digest;
import std;

backend default {
  .host = "127.0.0.1";
  .port = "@BACKEND_PORT@";
}

sub vcl_recv {
  if (req.method != "GET" && req.method != "HEAD" && req.method != "POST") {
    return (synth(405, "Method not allowed"));
  }
  unset req.http.cookie;
  unset req.http.x-expires;
  unset req.http.x-secure;
  unset req.http.x-payload;
  if (req.url ~ "[?&]expires=[0-9]+(&|$)") {
    set req.http.x-expires = regsub(req.url, "^.*[?&]expires=([0-9]+)(&.*)?$", "\1");
  }
  if (std.integer(req.http.x-expires, 0) < std.time2integer(now, 0)) {
    return (synth(403, "URL expired"));
  }
  if (req.url ~ "[?&]secure=") {
    set req.http.x-secure = regsub(req.url, "^.*[?&]secure=([^&]*).*$", "\1");
  }
  # As it is written: another encoding is another text. The path says which one counts.
  if (req.url ~ "^/cog/[^?]*[?](.*&)?dataProductId=") {
    set req.http.x-payload = regsub(req.url, "^.*[?&]dataProductId=([^&]*).*$", "\1");
  } elseif (req.url ~ "^/mvt/[^?]*[?](.*&)?filter=" && req.url ~ "[?&]limit=") {
    set req.http.x-payload = regsub(req.url, "^.*[?&]filter=([^&]*).*$", "\1")
      + regsub(req.url, "^.*[?&]limit=([^&]*).*$", "\1");
  } else {
    return (synth(403, "Invalid signature"));
  }
  if (req.http.x-secure != digest.hmac_sha256(digest.base64_decode("@SIGNING_KEY@"),
      req.http.x-expires + req.http.x-payload)) {
    return (synth(403, "Invalid signature"));
  }
  # One object for all callers: the signature is verified above, at each request.
  set req.url = regsuball(req.url, "([?&])(expires|secure)=[^&]*", "\1");
  set req.url = regsuball(req.url, "&&+", "&");
  set req.url = regsub(req.url, "\?&", "?");
  set req.url = regsub(req.url, "[?&]+$", "");
  unset req.http.x-expires;
  unset req.http.x-secure;
  unset req.http.x-payload;
  if (req.method == "POST") {
    return (pass);
  }
  return (hash);
}

sub vcl_backend_response {
  set beresp.ttl = 1d;
  set beresp.grace = 6h;
}
