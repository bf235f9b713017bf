// The first definition of a link counts: here pages are modules, in the README they are files.
#![cfg_attr(
    all(any(doc, doctest), feature = "actix", feature = "axum", feature = "providers", feature = "testing"),
    doc = include_str!("links.md")
)]
#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

pub use portcullis_core::*;

#[cfg(all(any(doc, doctest), feature = "actix", feature = "axum", feature = "providers", feature = "testing"))]
pub mod manual {
    //! Longer reading, a page each.

    pub mod accounts {
        #![doc = include_str!("links.md")]
        #![doc = include_str!("../docs/accounts.md")]
    }
    pub mod administration {
        #![doc = include_str!("links.md")]
        #![doc = include_str!("../docs/administration.md")]
    }
    pub mod answers {
        #![doc = include_str!("links.md")]
        #![doc = include_str!("../docs/answers.md")]
    }
    pub mod api_keys {
        #![doc = include_str!("links.md")]
        #![doc = include_str!("../docs/api-keys.md")]
    }
    pub mod changing_a_policy {
        #![doc = include_str!("links.md")]
        #![doc = include_str!("../docs/changing-a-policy.md")]
    }
    pub mod coming_from_actix_web_httpauth {
        #![doc = include_str!("links.md")]
        #![doc = include_str!("../docs/coming-from-actix-web-httpauth.md")]
    }
    pub mod coming_from_axum_jwt_auth {
        #![doc = include_str!("links.md")]
        #![doc = include_str!("../docs/coming-from-axum-jwt-auth.md")]
    }
    pub mod coming_from_axum_login {
        #![doc = include_str!("links.md")]
        #![doc = include_str!("../docs/coming-from-axum-login.md")]
    }
    pub mod coming_from_jsonwebtoken {
        #![doc = include_str!("links.md")]
        #![doc = include_str!("../docs/coming-from-jsonwebtoken.md")]
    }
    pub mod cookies {
        #![doc = include_str!("links.md")]
        #![doc = include_str!("../docs/cookies.md")]
    }
    pub mod directory {
        #![doc = include_str!("links.md")]
        #![doc = include_str!("../docs/directory.md")]
    }
    pub mod discovery {
        #![doc = include_str!("links.md")]
        #![doc = include_str!("../docs/discovery.md")]
    }
    pub mod engines {
        #![doc = include_str!("links.md")]
        #![doc = include_str!("../docs/engines.md")]
    }
    pub mod instances {
        #![doc = include_str!("links.md")]
        #![doc = include_str!("../docs/instances.md")]
    }
    pub mod introspection {
        #![doc = include_str!("links.md")]
        #![doc = include_str!("../docs/introspection.md")]
    }
    pub mod invitations {
        #![doc = include_str!("links.md")]
        #![doc = include_str!("../docs/invitations.md")]
    }
    pub mod issuers_at_run_time {
        #![doc = include_str!("links.md")]
        #![doc = include_str!("../docs/issuers-at-run-time.md")]
    }
    pub mod layers {
        #![doc = include_str!("links.md")]
        #![doc = include_str!("../docs/layers.md")]
    }
    pub mod metrics {
        #![doc = include_str!("links.md")]
        #![doc = include_str!("../docs/metrics.md")]
    }
    pub mod mistakes {
        #![doc = include_str!("links.md")]
        #![doc = include_str!("../docs/mistakes.md")]
    }
    pub mod openapi {
        #![doc = include_str!("links.md")]
        #![doc = include_str!("../docs/openapi.md")]
    }
    pub mod organization_context {
        #![doc = include_str!("links.md")]
        #![doc = include_str!("../docs/organization-context.md")]
    }
    pub mod organizations {
        #![doc = include_str!("links.md")]
        #![doc = include_str!("../docs/organizations.md")]
    }
    pub mod outgoing_calls {
        #![doc = include_str!("links.md")]
        #![doc = include_str!("../docs/outgoing-calls.md")]
    }
    pub mod policies {
        #![doc = include_str!("links.md")]
        #![doc = include_str!("../docs/policies.md")]
    }
    pub mod proof_of_possession {
        #![doc = include_str!("links.md")]
        #![doc = include_str!("../docs/proof-of-possession.md")]
    }
    pub mod providers {
        #![doc = include_str!("links.md")]
        #![doc = include_str!("../docs/providers.md")]

        pub mod auth0 {
            #![doc = include_str!("links.md")]
            #![doc = include_str!("../docs/providers/auth0.md")]
        }
        pub mod aws_load_balancer {
            #![doc = include_str!("links.md")]
            #![doc = include_str!("../docs/providers/aws-load-balancer.md")]
        }
        pub mod clerk {
            #![doc = include_str!("links.md")]
            #![doc = include_str!("../docs/providers/clerk.md")]
        }
        pub mod cognito {
            #![doc = include_str!("links.md")]
            #![doc = include_str!("../docs/providers/cognito.md")]
        }
        pub mod directus {
            #![doc = include_str!("links.md")]
            #![doc = include_str!("../docs/providers/directus.md")]
        }
        pub mod entra {
            #![doc = include_str!("links.md")]
            #![doc = include_str!("../docs/providers/entra.md")]
        }
        pub mod firebase {
            #![doc = include_str!("links.md")]
            #![doc = include_str!("../docs/providers/firebase.md")]
        }
        pub mod github_actions {
            #![doc = include_str!("links.md")]
            #![doc = include_str!("../docs/providers/github-actions.md")]
        }
        pub mod google {
            #![doc = include_str!("links.md")]
            #![doc = include_str!("../docs/providers/google.md")]
        }
        pub mod keycloak {
            #![doc = include_str!("links.md")]
            #![doc = include_str!("../docs/providers/keycloak.md")]
        }
        pub mod kubernetes {
            #![doc = include_str!("links.md")]
            #![doc = include_str!("../docs/providers/kubernetes.md")]
        }
        pub mod okta {
            #![doc = include_str!("links.md")]
            #![doc = include_str!("../docs/providers/okta.md")]
        }
        pub mod rfc9068 {
            #![doc = include_str!("links.md")]
            #![doc = include_str!("../docs/providers/rfc9068.md")]
        }
        pub mod stytch {
            #![doc = include_str!("links.md")]
            #![doc = include_str!("../docs/providers/stytch.md")]
        }
        pub mod supabase {
            #![doc = include_str!("links.md")]
            #![doc = include_str!("../docs/providers/supabase.md")]
        }
        pub mod zitadel {
            #![doc = include_str!("links.md")]
            #![doc = include_str!("../docs/providers/zitadel.md")]
        }
    }
    pub mod resources {
        #![doc = include_str!("links.md")]
        #![doc = include_str!("../docs/resources.md")]
    }
    pub mod routes {
        #![doc = include_str!("links.md")]
        #![doc = include_str!("../docs/routes.md")]
    }
    pub mod schemes {
        #![doc = include_str!("links.md")]
        #![doc = include_str!("../docs/schemes.md")]
    }
    pub mod second_factor {
        #![doc = include_str!("links.md")]
        #![doc = include_str!("../docs/second-factor.md")]
    }
    pub mod sign_in {
        #![doc = include_str!("links.md")]
        #![doc = include_str!("../docs/sign-in.md")]
    }
    pub mod sign_in_with_google {
        #![doc = include_str!("links.md")]
        #![doc = include_str!("../docs/sign-in-with-google.md")]
    }
    pub mod spicedb {
        #![doc = include_str!("links.md")]
        #![doc = include_str!("../docs/spicedb.md")]
    }
    pub mod signed_downloads {
        #![doc = include_str!("links.md")]
        #![doc = include_str!("../docs/signed-downloads.md")]
    }
    pub mod step_up {
        #![doc = include_str!("links.md")]
        #![doc = include_str!("../docs/step-up.md")]
    }
    pub mod testing {
        #![doc = include_str!("links.md")]
        #![doc = include_str!("../docs/testing.md")]
    }
    pub mod theft {
        #![doc = include_str!("links.md")]
        #![doc = include_str!("../docs/theft.md")]
    }
    pub mod users_table {
        #![doc = include_str!("links.md")]
        #![doc = include_str!("../docs/users-table.md")]
    }
    pub mod webhooks {
        #![doc = include_str!("links.md")]
        #![doc = include_str!("../docs/webhooks.md")]
    }
    pub mod who_may_do_what {
        #![doc = include_str!("links.md")]
        #![doc = include_str!("../docs/who-may-do-what.md")]
    }
}

// Modules and not renamed crates: the compiler tells users the path of a module.

#[cfg(feature = "accounts")]
pub mod accounts {
    //! Accounts of a service's own: the crate `portcullis-accounts`.

    #[doc(inline)]
    pub use portcullis_accounts::*;
}
#[cfg(feature = "actix")]
pub mod actix {
    //! Extractors, middleware and routes for actix-web 4: the crate `portcullis-actix`.

    #[doc(inline)]
    pub use portcullis_actix::*;
}
#[cfg(feature = "axum")]
pub mod axum {
    //! Extractors and routes for axum 0.8: the crate `portcullis-axum`.

    #[doc(inline)]
    pub use portcullis_axum::*;
}
#[cfg(feature = "lettre")]
pub mod lettre {
    //! Mails of accounts by SMTP: the crate `portcullis-lettre`.

    #[doc(inline)]
    pub use portcullis_lettre::*;
}
#[cfg(feature = "redis")]
pub mod redis {
    //! What several processes share in Redis: the crate `portcullis-redis`.

    #[doc(inline)]
    pub use portcullis_redis::*;
}
#[cfg(feature = "reqwest")]
pub mod reqwest {
    //! An HTTP client for what issuers publish: the crate `portcullis-reqwest`.

    #[doc(inline)]
    pub use portcullis_reqwest::*;
}
#[cfg(feature = "providers")]
pub mod providers {
    //! The tokens of particular issuers: the crate `portcullis-providers`.

    #[doc(inline)]
    pub use portcullis_providers::*;
}
#[cfg(feature = "cerbos")]
pub mod cerbos {
    //! Cerbos as a policy engine: the crate `portcullis-cerbos`.

    #[doc(inline)]
    pub use portcullis_cerbos::*;
}
#[cfg(feature = "gatehouse")]
pub mod gatehouse {
    //! Policies of gatehouse as an engine: the crate `portcullis-gatehouse`.

    #[doc(inline)]
    pub use portcullis_gatehouse::*;
}
#[cfg(feature = "sign-in")]
pub mod sign_in {
    //! Sign-in at an OpenID provider, without accounts of one's own: the crate `portcullis-sign-in`.

    #[doc(inline)]
    pub use portcullis_sign_in::*;
}
#[cfg(feature = "spicedb")]
pub mod spicedb {
    //! Roles on resources from SpiceDB: the crate `portcullis-spicedb`.

    #[doc(inline)]
    pub use portcullis_spicedb::*;
}
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub mod sqlx {
    //! Accounts, and sessions of sign-in, in SQLite and Postgres: the crate `portcullis-sqlx`.

    #[doc(inline)]
    pub use portcullis_sqlx::*;
}
#[cfg(feature = "tower")]
pub mod tower {
    //! Layers for any tower service: the crate `portcullis-tower`.

    #[doc(inline)]
    pub use portcullis_tower::*;
}
