//! Libraries for actix-web: `actix-web-grants`, which asks for a permission that `actix-web-httpauth` has attached.

use crate::{
    case::Operation,
    claims::Small,
    guard::{Verifier, actix::operation},
};
use actix_web::{Error, HttpResponse, dev::ServiceRequest, error::ErrorUnauthorized, web};
use actix_web_grants::{authorities::AttachAuthorities, protect};
use actix_web_httpauth::{extractors::bearer::BearerAuth, middleware::HttpAuthentication};
use std::collections::HashSet;

const HS256: &str = "guard/actix/HS256";

pub(crate) fn knows(case: &str) -> bool {
    case == HS256
}

pub(crate) fn peers(case: &str) -> Option<Operation> {
    knows(case).then(|| {
        let verifier = web::Data::new(Verifier::new());
        operation("httpauth and grants", &crate::guard::token(), move |config| {
            let resource = web::scope("").wrap(HttpAuthentication::bearer(verify)).service(guarded);
            config.app_data(verifier).service(resource);
        })
    })
}

async fn verify(request: ServiceRequest, bearer: BearerAuth) -> Result<ServiceRequest, (Error, ServiceRequest)> {
    let verified =
        request.app_data::<web::Data<Verifier<Small>>>().and_then(|verifier| verifier.verify(bearer.token()));
    match verified {
        Some(_) => {
            request.attach(HashSet::from(["document:read".to_owned()]));
            Ok(request)
        }
        None => Err((ErrorUnauthorized("the token is not valid"), request)),
    }
}

#[actix_web::get("/x")]
#[protect("document:read")]
async fn guarded() -> HttpResponse {
    HttpResponse::Ok().body("ok")
}
