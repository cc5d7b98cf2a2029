//! The extensions.

use std::sync::Arc;

use spandrel_config::Section;
use spandrel_exporters::auth::{
    BasicAuth, BasicAuthServer, BasicAuthSettings, BearerTokenAuth, BearerTokenAuthSettings,
    BearerTokenServer, HeadersSetter, HeadersSetterSettings,
};
use spandrel_exporters::{FileStorage, FileStorageSettings};
use spandrel_pipeline::Component;

use super::{MakeExtension, Type};
use crate::extensions::health_check::{HealthCheck, HealthCheckSettings};
use crate::extensions::zpages::{ZPages, ZPagesSettings};

pub(super) const TYPES: &[Type<MakeExtension>] = &[
    ("basicauth", basic_auth),
    ("bearertokenauth", bearer_token_auth),
    ("file_storage", file_storage),
    ("headers_setter", headers_setter),
    ("health_check", health_check),
    ("healthcheckv2", health_check),
    ("nop", nop),
    ("pprof", pprof),
    ("zpages", zpages),
];

/// An extension that others find by its id, and that has no life of its own.
struct Found;

impl Component for Found {}

fn basic_auth(section: &mut Section<'_>) -> MakeExtension {
    let settings = BasicAuthSettings::read(section);
    Arc::new(move |extensions, id, _, context| {
        if let Some(client) = settings.client_auth.clone() {
            let authenticator = BasicAuth::new(client, &context.clock);
            extensions.add_authenticator(&id.to_string(), Arc::new(authenticator));
        }
        if let Some(htpasswd) = settings.htpasswd.clone() {
            let authenticator = BasicAuthServer::new(htpasswd, &context.clock)?;
            extensions.add_server_authenticator(&id.to_string(), Arc::new(authenticator));
        }
        Ok(Arc::new(Found))
    })
}

fn bearer_token_auth(section: &mut Section<'_>) -> MakeExtension {
    let settings = BearerTokenAuthSettings::read(section);
    Arc::new(move |extensions, id, _, context| {
        let authenticator = BearerTokenAuth::new(settings.clone(), &context.clock);
        extensions.add_authenticator(&id.to_string(), Arc::new(authenticator));
        let authenticator = BearerTokenServer::new(settings.clone(), &context.clock);
        extensions.add_server_authenticator(&id.to_string(), Arc::new(authenticator));
        Ok(Arc::new(Found))
    })
}

fn headers_setter(section: &mut Section<'_>) -> MakeExtension {
    let settings = HeadersSetterSettings::read(section);
    Arc::new(move |extensions, id, _, context| {
        let authenticator = HeadersSetter::new(settings.clone(), extensions, &context.clock)?;
        extensions.add_authenticator(&id.to_string(), Arc::new(authenticator));
        Ok(Arc::new(Found))
    })
}

fn file_storage(section: &mut Section<'_>) -> MakeExtension {
    let settings = FileStorageSettings::read(section);
    Arc::new(move |extensions, id, _, _| {
        extensions.add_storage(&id.to_string(), Arc::new(FileStorage::open(settings.clone())?));
        Ok(Arc::new(Found))
    })
}

fn nop(_: &mut Section<'_>) -> MakeExtension {
    Arc::new(|_, _, _, _| Ok(Arc::new(Found)))
}

/// Profiles of Go's runtime do not exist here; files that ask for them load.
fn pprof(section: &mut Section<'_>) -> MakeExtension {
    section.get::<String>("endpoint");
    section.get::<i64>("block_profile_fraction");
    section.get::<i64>("mutex_profile_fraction");
    section.get::<String>("save_to_file");
    section.section("dialer", |dialer| dialer.get::<std::time::Duration>("timeout"));
    section.warn(None, "has no effect: profiles of Go's runtime do not exist here");
    nop(section)
}

fn health_check(section: &mut Section<'_>) -> MakeExtension {
    let settings = HealthCheckSettings::read(section);
    Arc::new(move |_, _, around, context| {
        Ok(Arc::new(HealthCheck::new(settings.clone(), Arc::clone(&around.status), context)))
    })
}

fn zpages(section: &mut Section<'_>) -> MakeExtension {
    let settings = ZPagesSettings::read(section);
    Arc::new(move |_, _, around, context| {
        Ok(Arc::new(ZPages::new(settings.clone(), Arc::clone(&around.status), context)))
    })
}
