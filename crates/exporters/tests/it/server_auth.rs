//! Authenticators on the requests of others.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use spandrel_base::clock::ManualClock;
use spandrel_exporters::auth::{
    BasicAuthServer, BasicAuthSettings, BearerTokenAuthSettings, BearerTokenServer,
};
use spandrel_pipeline::ServerAuthenticator;

use crate::rig::settings;

/// What an authenticator says to the value of a header.
async fn answer(server: &dyn ServerAuthenticator, name: &str, value: Option<&str>) -> String {
    let header = |asked: &str| value.filter(|_| asked == name).map(str::to_owned);
    match server.authenticate(&header).await {
        Ok(attributes) => format!("{attributes:?}"),
        Err(refusal) => format!("{refusal} ({})", refusal.challenge),
    }
}

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

fn replace(file: &std::path::Path, text: &str) {
    spandrel_base::fs::replace(file, text.as_bytes()).unwrap();
}

#[tokio::test]
async fn names_and_passwords() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("htpasswd");
    // Of `myPassword`: an example of Apache's documentation.
    let hash = "$2y$05$c4WoMPo3SXsafkva.HHa6uXQZWr7oboPiC2bT/r7q1BB8I2s0BRqC";
    replace(&file, &format!("ann:{hash}\nbob:of the file\n"));
    let yaml = format!("htpasswd: {{file: '{}', inline: 'bob:inline'}}", file.display());
    let read = settings(&yaml, BasicAuthSettings::read);
    let clock = Arc::new(ManualClock::new(0));
    let server = BasicAuthServer::new(read.htpasswd.unwrap(), &(clock.clone() as _)).unwrap();
    let challenge = "(Basic realm=\"spandrel\", charset=\"UTF-8\")";
    let wrong = format!("wrong name or password {challenge}");
    let ann = "{\"username\": \"ann\"}".to_owned();
    for (value, expected) in [
        (Some(basic("ann", "myPassword")), ann.clone()),
        // Remembered, and still not right with another.
        (Some(basic("ann", "myPassword")), ann.clone()),
        (Some(basic("ann", "mypassword")), wrong.clone()),
        (Some(basic("bob", "inline")), "{\"username\": \"bob\"}".to_owned()),
        (Some(basic("bob", "of the file")), wrong.clone()),
        (Some(basic("eve", "inline")), wrong.clone()),
        (Some("Bearer x".to_owned()), format!("no basic authorization {challenge}")),
        (Some("Basic ?".to_owned()), format!("no basic authorization {challenge}")),
        (None, format!("no authorization in the headers {challenge}")),
    ] {
        let said = answer(&server, "authorization", value.as_deref()).await;
        assert_eq!(said, expected, "{value:?}");
    }
    // Another file counts soon; a wrong one does not.
    replace(&file, "ann:new\n");
    clock.advance(Duration::from_secs(6));
    let old = basic("ann", "myPassword");
    assert_eq!(answer(&server, "authorization", Some(&old)).await, wrong);
    let new = basic("ann", "new");
    assert_eq!(answer(&server, "authorization", Some(&new)).await, ann);
    replace(&file, "ann:$6$crypt\n");
    clock.advance(Duration::from_secs(6));
    assert_eq!(answer(&server, "authorization", Some(&new)).await, ann);
}

#[test]
fn htpasswd_that_cannot_work_is_refused() {
    for (yaml, problem) in [
        ("htpasswd: {file: no such file}", "cannot read the file"),
        ("htpasswd: {inline: 'ann:$5$crypt'}", "ann has a hash of a kind that is not supported"),
        ("htpasswd: {inline: 'ann'}", "`name:hash`"),
    ] {
        let read = settings(yaml, BasicAuthSettings::read);
        let clock = Arc::new(ManualClock::new(0)) as _;
        let error = BasicAuthServer::new(read.htpasswd.unwrap(), &clock).err().unwrap();
        assert!(error.to_string().contains(problem), "{error}");
    }
}

#[tokio::test]
async fn tokens() {
    for (yaml, header, value, expected) in [
        ("token: t", "authorization", Some("Bearer t"), "{}"),
        ("token: t", "authorization", Some("bearer t"), "wrong token (Bearer)"),
        ("token: t", "authorization", Some("t"), "wrong token (Bearer)"),
        ("token: t", "authorization", Some("Bearer tt"), "wrong token (Bearer)"),
        ("token: t", "authorization", None, "no token in the headers (Bearer)"),
        ("{tokens: [a, b], scheme: Key}", "authorization", Some("Key b"), "{}"),
        ("{token: t, scheme: '', header: X-Key}", "x-key", Some("t"), "{}"),
        (
            "{token: t, scheme: '', header: X-Key}",
            "authorization",
            Some("t"),
            "no token in the headers (Bearer)",
        ),
    ] {
        let read = settings(yaml, BearerTokenAuthSettings::read);
        let server = BearerTokenServer::new(read, &(Arc::new(ManualClock::new(0)) as _));
        assert_eq!(answer(&server, header, value).await, expected, "{yaml} {value:?}");
    }
}

#[tokio::test]
async fn tokens_of_a_file_are_read_again() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("tokens");
    replace(&file, "one\ntwo\n");
    let read = settings(&format!("filename: '{}'", file.display()), BearerTokenAuthSettings::read);
    let clock = Arc::new(ManualClock::new(0));
    let server = BearerTokenServer::new(read, &(clock.clone() as _));
    assert_eq!(answer(&server, "authorization", Some("Bearer two")).await, "{}");
    replace(&file, "three\n");
    clock.advance(Duration::from_secs(6));
    let refused = "wrong token (Bearer)";
    assert_eq!(answer(&server, "authorization", Some("Bearer two")).await, refused);
    assert_eq!(answer(&server, "authorization", Some("Bearer ")).await, refused);
    assert_eq!(answer(&server, "authorization", Some("Bearer three")).await, "{}");
}
