//! Custom domains: their part of the table, pages and API.

use axum::routing::{delete, get, post, put};
use control::deployment::{Preview, Started};
use control::domain::{
    Domain, DomainDeployment, DomainPreview, EnvironmentDomains, NewAddress, NewCertificate,
    NewDomain,
};
use http::Method;

use super::Route;
use super::api::{acts, call, reads};
use super::pages::{shows, takes};
use crate::api::domains;
use crate::api::openapi::Doc;
use crate::pages;

pub(super) fn table() -> Vec<Route> {
    let mut routes = page_table();
    routes.extend(calls());
    routes.extend(deploying_calls());
    routes
}

fn page_table() -> Vec<Route> {
    let of = |tail: &str| format!("/environments/{{environment}}{tail}");
    vec![
        shows(&of("/domain"), get(pages::domain::show)),
        takes(&of("/domain"), post(pages::domain::add)).keyed(),
        takes(&of("/domain/check"), post(pages::domain::check)),
        takes(&of("/domain/certificate"), post(pages::domain::upload)),
        takes(&of("/domain/issuer"), post(pages::domain::use_issuer)),
        takes(&of("/domain/address"), post(pages::domain::set_address)),
        shows(&of("/domain/remove"), get(pages::domain_remove::form)),
        takes(&of("/domain/remove"), post(pages::domain_remove::submit)),
        takes(&of("/domain/preview"), post(pages::domain_deploy::preview)),
        takes(&of("/domain/deploy"), post(pages::domain_deploy::submit)).keyed(),
    ]
}

const ALL: &str = "/environments/{environment}/domains";

fn one(tail: &str) -> String {
    format!("{ALL}/{{host}}{tail}")
}

fn calls() -> Vec<Route> {
    let doc = |id, summary| Doc::new(id, "Custom domains", summary);
    vec![
        reads(
            ALL,
            get(domains::list),
            doc("domain_list", "The custom domains of an environment, and what it answers on.")
                .answers::<EnvironmentDomains>(),
        ),
        acts(
            ALL,
            post(domains::add),
            doc("domain_add", "Adds a domain that is only claimed; the answer says which DNS records to make.")
                .body::<NewDomain>()
                .creates::<Domain>(),
        )
        .keyed(),
        reads(
            &one(""),
            get(domains::get),
            doc("domain_get", "A domain, by its host in any script.").answers::<Domain>(),
        ),
        call(
            Method::DELETE,
            &one(""),
            delete(domains::remove),
            doc("domain_remove", "Takes a domain from its environment, which must not answer on it.")
                .answers::<EnvironmentDomains>(),
        ),
        acts(
            &one("/check"),
            post(domains::check),
            doc("domain_check", "Looks its DNS records up: what is expected, what was found.")
                .answers::<Domain>(),
        ),
        call(
            Method::PUT,
            &one("/certificate"),
            put(domains::upload),
            doc("domain_upload", "Keeps a certificate with its key for the domain's next deployment; the key is never shown.")
                .body::<NewCertificate>()
                .answers::<Domain>(),
        ),
        call(
            Method::DELETE,
            &one("/certificate"),
            delete(domains::use_issuer),
            doc("domain_use_issuer", "Goes back to the App's issuer, from the domain's next deployment on.")
                .answers::<Domain>(),
        ),
        call(
            Method::PUT,
            "/environments/{environment}/domain-address",
            put(domains::set_address),
            doc("domain_set_address", "Sets where the environment's ingress is; empty: as its App or its cluster says.")
                .body::<NewAddress>()
                .answers::<EnvironmentDomains>(),
        ),
    ]
}

fn deploying_calls() -> Vec<Route> {
    let doc = |id, summary| Doc::new(id, "Custom domains", summary);
    vec![
        acts(
            &one("/previews"),
            post(domains::preview),
            doc(
                "domain_preview",
                "What deploying the domain would change; closing the connection cancels it.",
            )
            .body::<DomainPreview>()
            .creates::<Preview>(),
        ),
        acts(
            &one("/deployments"),
            post(domains::deploy),
            doc(
                "domain_deploy",
                "Deploys what runs with this host; its Op proves the domain anew first.",
            )
            .body::<DomainDeployment>()
            .creates::<Started>(),
        )
        .keyed(),
        acts(
            "/environments/{environment}/domain-reset-previews",
            post(domains::preview_reset),
            doc("domain_preview_reset", "What going back to the default host would change.")
                .body::<DomainPreview>()
                .creates::<Preview>(),
        ),
        acts(
            "/environments/{environment}/domain-resets",
            post(domains::reset),
            doc("domain_reset", "Deploys what runs with the environment's default host.")
                .body::<DomainDeployment>()
                .creates::<Started>(),
        )
        .keyed(),
    ]
}
