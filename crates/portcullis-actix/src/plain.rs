//! Requests and answers as plain HTTP types, for endpoints that know no framework.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header::HeaderValue},
    web::Bytes,
};
use portcullis_core::{Error, ErrorKind};

pub(crate) fn respond(answer: http::Response<Bytes>) -> HttpResponse {
    let (head, body) = answer.into_parts();
    let status = StatusCode::from_u16(head.status.as_u16()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status);
    for (name, value) in &head.headers {
        if let Ok(mut copy) = HeaderValue::from_bytes(value.as_bytes()) {
            // So that `Debug` of the response does not show it.
            copy.set_sensitive(value.is_sensitive());
            response.append_header((name.as_str(), copy));
        }
    }
    response.body(body)
}

/// Actix-web has the types of an earlier version of `http`.
pub(crate) fn converted(request: &HttpRequest, body: Bytes) -> Result<http::Request<Bytes>, Error> {
    let mut converted = http::Request::builder().method(request.method().as_str()).uri(request.uri().to_string());
    for (name, value) in request.headers() {
        converted = converted.header(name.as_str(), value.as_bytes());
    }
    converted.body(body).map_err(|_| Error::new(ErrorKind::Malformed, "the request's head is not one of HTTP"))
}
