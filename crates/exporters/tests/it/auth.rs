//! Authenticators on the requests of exporters.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use spandrel_base::clock::{ManualClock, SharedClock};
use spandrel_exporters::Extensions;
use spandrel_exporters::auth::{
    BasicAuth, BasicAuthSettings, BearerTokenAuth, BearerTokenAuthSettings, ClientAuthenticator,
    HeadersSetter, HeadersSetterSettings,
};
use spandrel_pipeline::{Client, TraceConsumer};

use crate::rig::{batch, otlp_grpc, problems, settings};
use crate::server::Server;

fn clock() -> SharedClock {
    Arc::new(ManualClock::new(0))
}

async fn headers(authenticator: &dyn ClientAuthenticator, client: &Client) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("there", "before".parse().unwrap());
    authenticator.authenticate(client, &mut headers).await.unwrap();
    headers
}

#[tokio::test]
async fn names_and_passwords() {
    let yaml = "client_auth: {username: Aladdin, password: open sesame}";
    let settings = settings(yaml, BasicAuthSettings::read);
    let auth = BasicAuth::new(settings.client_auth.unwrap(), &clock());
    let headers = headers(&auth, &Client::default()).await;
    assert_eq!(headers["authorization"], "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    assert!(headers["authorization"].is_sensitive());
}

#[tokio::test]
async fn tokens_from_files_are_read_again() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("token");
    spandrel_base::fs::replace(&file, b"one\n").unwrap();
    let yaml = format!("scheme: Token\nheader: X-Auth\nfilename: {}", file.display());
    let settings = settings(&yaml, BearerTokenAuthSettings::read);
    let manual = Arc::new(ManualClock::new(0));
    let shared: SharedClock = manual.clone();
    let auth = BearerTokenAuth::new(settings, &shared);
    assert_eq!(headers(&auth, &Client::default()).await["x-auth"], "Token one");
    spandrel_base::fs::replace(&file, b"two").unwrap();
    manual.advance(Duration::from_secs(5));
    assert_eq!(headers(&auth, &Client::default()).await["x-auth"], "Token two");
    std::fs::remove_file(&file).unwrap();
    manual.advance(Duration::from_secs(5));
    assert_eq!(headers(&auth, &Client::default()).await["x-auth"], "Token two", "the last one");
}

#[tokio::test]
async fn headers_are_set_from_everywhere() {
    let yaml = "
headers:
  - {key: fixed, value: f}
  - {key: X-Scope-OrgID, from_context: tenant_id}
  - {key: defaulted, from_context: nothing, default_value: d}
  - {key: subject, from_context: auth.subject}
  - {key: group, from_attribute: group}
  - {key: there, action: insert, value: changed}
  - {key: absent, action: update, value: x}
  - {key: fixed2, action: insert, value: y}
  - {key: fixed2, action: delete}
";
    let settings = settings(yaml, HeadersSetterSettings::read);
    let setter = HeadersSetter::new(settings, &Extensions::default(), &clock()).unwrap();
    let client = Client {
        metadata: [("tenant_id".to_owned(), vec!["acme".to_owned(), "other".to_owned()])].into(),
        auth: [("subject", "s"), ("group", "g")].map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
        ..Client::default()
    };
    let set = headers(&setter, &client).await;
    let mut set: Vec<String> =
        set.iter().map(|(name, value)| format!("{name}={}", value.to_str().unwrap())).collect();
    set.sort();
    let expected =
        ["defaulted=d", "fixed=f", "group=g", "subject=s", "there=before", "x-scope-orgid=acme"];
    assert_eq!(set, expected);
}

#[tokio::test]
async fn exporters_find_them_by_id() {
    let server = Server::grpc(&[]).await;
    let settings = settings("token: t0p", BearerTokenAuthSettings::read);
    let mut extensions = Extensions::default();
    extensions.add_authenticator(
        "bearertokenauth/out",
        Arc::new(BearerTokenAuth::new(settings, &clock())),
    );
    let yaml = format!(
        "endpoint: {}\ntls: {{insecure: true}}\nsending_queue: {{enabled: false}}\n\
         auth: {{authenticator: bearertokenauth/out}}",
        server.address
    );
    let exporter = otlp_grpc(&yaml, &extensions).await;
    exporter.consume(batch(&["a"])).await.unwrap();
    assert_eq!(server.seen()[0].header("authorization"), "Bearer t0p");
}

#[test]
fn settings_that_make_no_sense() {
    let basic = |yaml| problems(yaml, BasicAuthSettings::read);
    assert!(basic("{}").contains("client_auth or htpasswd"));
    assert!(basic("htpasswd: {inline: 'a:b'}\nclient_auth: {username: a}").contains("only one"));
    assert!(basic("client_auth: {password: a}").contains("needs username"));
    let bearer = |yaml| problems(yaml, BearerTokenAuthSettings::read);
    assert!(bearer("{}").contains("needs token"));
    assert!(bearer("token: a\ntokens: [b]").contains("together"));
    assert!(bearer("token: a\nheader: 'a b'").contains("header"));
    let setter = |yaml| problems(yaml, HeadersSetterSettings::read);
    assert!(setter("{}").contains("at least one"));
    assert!(setter("headers: [{key: a}]").contains("exactly one"));
    assert!(setter("headers: [{key: a, value: b, action: append}]").contains("append"));
    assert!(setter("headers: [{value: b}]").contains("key"));
}
