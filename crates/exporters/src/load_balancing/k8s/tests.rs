//! Endpoints of a service that come and go, against an API server that breaks off and forgets.

use serde_json::{Value, json};
use spandrel_kubernetes_testing::ApiServer;
use spandrel_pipeline::Account;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

use super::*;
use crate::load_balancing::backends::tests::{backends, nobody, payload, traces_in};

const SLICES: &str = "endpointslices";

fn resolver(ports: &[u16]) -> K8sResolver {
    K8sResolver {
        service: "gateway".to_owned(),
        namespace: None,
        ports: ports.to_vec(),
        timeout: Duration::from_secs(20),
        return_hostnames: false,
    }
}

/// A slice of a service in the namespace `obs`. An endpoint that begins with `-` is not ready; one that begins with
/// `@` has a hostname.
fn slice_of(service: &str, name: &str, endpoints: &[&str]) -> Value {
    let endpoint = |written: &&str| {
        let address = written.trim_start_matches(['-', '@']);
        let mut endpoint = json!({ "addresses": [address] });
        match written.chars().next() {
            Some('-') => endpoint["conditions"] = json!({ "ready": false }),
            Some('@') => endpoint["hostname"] = json!(format!("pod-{}", address.replace('.', "-"))),
            _ => {}
        }
        endpoint
    };
    json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
        "metadata": { "name": name, "namespace": "obs", "labels": { SERVICE_LABEL: service } },
        "endpoints": endpoints.iter().map(endpoint).collect::<Vec<Value>>(),
    })
}

fn slice(name: &str, endpoints: &[&str]) -> Value {
    slice_of("gateway", name, endpoints)
}

async fn start(server: &ApiServer, resolver: K8sResolver, backends: &Arc<Backends>) -> TaskSet {
    let mut config = Config::new(server.url().parse().expect("an address"));
    config.default_retry = false;
    let client = Client::try_from(config).expect("a client");
    let tasks = TaskSet::new();
    resolver.start_with(client, "obs", backends, &tasks).await;
    tasks
}

/// Waits until these are the backends.
async fn until(backends: &Backends, endpoints: &[&str]) {
    let mut current = backends.current();
    let waiting = current.wait_for(|members| members.ring.endpoints == endpoints);
    let waited = tokio::time::timeout(Duration::from_secs(30), waiting).await;
    waited.unwrap_or_else(|_| panic!("{:?}", backends.endpoints())).expect("backends are there");
}

#[tokio::test]
async fn endpoints_come_and_go() {
    let server = ApiServer::start().await;
    server.set(SLICES, slice("a", &["10.0.0.2", "10.0.0.1", "-10.0.0.3"]));
    server.set(SLICES, slice("b", &["fd00::1"]));
    server.set(SLICES, slice_of("other", "c", &["10.0.0.9"]));
    let backends = backends(&Account::detached());
    let _tasks = start(&server, resolver(&[4317]), &backends).await;
    // Listed before the start was over, in pages.
    assert_eq!(backends.endpoints(), ["10.0.0.1:4317", "10.0.0.2:4317", "[fd00::1]:4317"]);
    let asked = "/apis/discovery.k8s.io/v1/namespaces/obs/endpointslices?kubernetes.io/service-name=gateway";
    assert_eq!(server.paths(), [asked]);
    server.set(SLICES, slice("a", &["-10.0.0.1", "10.0.0.2", "10.0.0.3"]));
    until(&backends, &["10.0.0.2:4317", "10.0.0.3:4317", "[fd00::1]:4317"]).await;
    // A watch that ends is resumed where it was.
    server.disconnect();
    server.delete(SLICES, "b");
    until(&backends, &["10.0.0.2:4317", "10.0.0.3:4317"]).await;
    assert_eq!(server.lists(SLICES), 1);
    // Old addresses are better than none.
    server.set(SLICES, slice("a", &[]));
    server.set(SLICES, slice("d", &["10.0.0.4"]));
    until(&backends, &["10.0.0.4:4317"]).await;
    backends.stop().await;
}

#[tokio::test]
async fn what_the_server_has_forgotten_is_listed_again() {
    let server = ApiServer::start().await;
    server.set(SLICES, slice("a", &["10.0.0.1"]));
    server.set(SLICES, slice("b", &["10.0.0.2"]));
    let backends = backends(&Account::detached());
    let _tasks = start(&server, resolver(&[1, 2]), &backends).await;
    until(&backends, &["10.0.0.1:1", "10.0.0.1:2", "10.0.0.2:1", "10.0.0.2:2"]).await;
    // While nobody watches, one slice goes and one comes, and the history of that is lost.
    server.close();
    server.disconnect();
    server.delete(SLICES, "a");
    server.set(SLICES, slice("c", &["10.0.0.3"]));
    server.forget_history();
    server.open();
    until(&backends, &["10.0.0.2:1", "10.0.0.2:2", "10.0.0.3:1", "10.0.0.3:2"]).await;
    assert!(server.lists(SLICES) >= 2);
    backends.stop().await;
}

#[tokio::test]
async fn an_api_that_does_not_answer_at_the_start_is_asked_again() {
    let server = ApiServer::start().await;
    server.set(SLICES, slice("a", &["10.0.0.1"]));
    server.close();
    let backends = backends(&Account::detached());
    let _tasks = start(&server, resolver(&[4317]), &backends).await;
    assert!(backends.send(payload(1)).await.is_err(), "nobody is known, and nothing is lost");
    server.open();
    until(&backends, &["10.0.0.1:4317"]).await;
    backends.stop().await;
}

#[tokio::test]
async fn backends_are_named_when_that_is_asked_for() {
    let server = ApiServer::start().await;
    server.set(SLICES, slice("a", &["@10.0.0.1", "10.0.0.2", "@10.0.0.3"]));
    let backends = backends(&Account::detached());
    let resolver = K8sResolver { return_hostnames: true, ..resolver(&[4317]) };
    let _tasks = start(&server, resolver, &backends).await;
    let name = |ip: &str| format!("pod-{ip}.gateway.obs:4317");
    assert_eq!(backends.endpoints(), [name("10-0-0-1"), name("10-0-0-3")]);
    backends.stop().await;
}

#[tokio::test]
async fn what_is_queued_for_an_endpoint_that_goes_is_sent_to_the_others() {
    let account = Account::detached();
    let server = ApiServer::start().await;
    server.set(SLICES, slice("a", &[&nobody().await]));
    let backends = backends(&account);
    // Without ports, addresses are taken as they are; so that those of tests can be told apart by their ports.
    let _tasks = start(&server, resolver(&[]), &backends).await;
    backends.send(payload(8)).await.expect("queued");
    assert_eq!(account.totals().held, 8);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let new = listener.local_addr().expect("an address").to_string();
    server.set(SLICES, slice("a", &[&new]));
    let (mut stream, _) = listener.accept().await.expect("a connection");
    let mut received = Vec::new();
    while traces_in(&received, 8).len() < 8 {
        assert!(stream.read_buf(&mut received).await.expect("bytes") > 0, "{received:?}");
    }
    assert_eq!(account.totals().failed, 0);
}
