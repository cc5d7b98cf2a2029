//! Shared blocks: defaults, and what is checked.

use std::time::Duration;

use spandrel_config::blocks::{
    Batch, Compression, GrpcClient, GrpcServer, HttpClient, HttpServer, KeepaliveClient, Queue,
    Retry, Sizer, Timeout, TlsClient, TlsServer, Transport,
};
use spandrel_config::{Section, read_settings};

fn read<T>(yaml: &str, read: impl FnOnce(&mut Section<'_>) -> T) -> T {
    read_settings(yaml, read).unwrap().0
}

fn wrong<T: std::fmt::Debug>(yaml: &str, read: impl FnOnce(&mut Section<'_>) -> T) -> String {
    let problems = read_settings(yaml, read).unwrap_err();
    let lines = problems.iter().map(|problem| format!("{}: {}", problem.path, problem.message));
    lines.collect::<Vec<_>>().join(" | ")
}

#[test]
fn a_queue_is_on_by_default_and_batches_only_when_asked() {
    let queue = |yaml: &str| read(yaml, Queue::sending_queue);
    assert_eq!(queue(""), Some(Queue::default()));
    assert_eq!(queue("sending_queue:"), Some(Queue::default()));
    assert_eq!(queue("sending_queue: {enabled: false}"), None);
    let batched = Queue { batch: Some(Batch::default()), queue_size: 10_000, ..Queue::default() };
    assert_eq!(queue("sending_queue: {batch: , queue_size: 10000}"), Some(batched.clone()));
    assert_eq!(queue("sending_queue: {batch: {enabled: false}}"), Some(Queue::default()));
    let bytes = queue("sending_queue: {sizer: bytes, queue_size: 9000, batch: {}}").unwrap();
    assert_eq!((bytes.sizer, bytes.batch.unwrap().sizer), (Sizer::Bytes, Sizer::Bytes));
    let requests = queue("sending_queue: {sizer: requests, batch: {}}").unwrap();
    assert_eq!((requests.sizer, requests.batch.unwrap().sizer), (Sizer::Requests, Sizer::Items));
    let keys = queue("sending_queue: {batch: {partition: {metadata_keys: [a, b]}}}").unwrap();
    assert_eq!(keys.batch.unwrap().metadata_keys, ["a", "b"]);
}

#[test]
fn queues_that_cannot_work() {
    let table = [
        ("num_consumers: 0", "num_consumers: must be at least 1"),
        ("queue_size: 0", "queue_size: must be at least 1"),
        ("{wait_for_result: true, storage: file_storage}", {
            "wait_for_result: cannot be combined with `storage`"
        }),
        ("{sizer: items, batch: {}}", {
            "batch: min_size 8192 must not be larger than the queue_size 1000"
        }),
        ("batch: {sizer: requests}", "batch::sizer: must be `items` or `bytes` here"),
        ("batch: {flush_timeout: 0s}", "batch::flush_timeout: must be longer than nothing"),
        ("batch: {max_size: 100}", {
            "batch::max_size: must not be less than the min_size 8192, and is 100"
        }),
        ("batch: {partition: {metadata_keys: [a, A]}}", {
            "batch::partition: has the same key twice, in whatever case"
        }),
    ];
    for (yaml, message) in table {
        assert_eq!(wrong(yaml, Queue::read), message);
    }
}

#[test]
fn retries() {
    let retry = |yaml: &str| read(yaml, Retry::retry_on_failure);
    assert_eq!(retry(""), Some(Retry::default()));
    assert_eq!(retry("retry_on_failure: {enabled: false, multiplier: -1}"), None);
    let forever = Retry { max_elapsed_time: Duration::ZERO, ..Retry::default() };
    assert_eq!(retry("retry_on_failure: {max_elapsed_time: 0}"), Some(forever));
    let table = [
        ("randomization_factor: 2", "randomization_factor: must be from 0 to 1"),
        ("multiplier: -1", "multiplier: must not be negative or infinite"),
        ("max_elapsed_time: 1s", "max_elapsed_time: must not be less than `initial_interval`"),
        ("max_elapsed_time: 10s", "max_elapsed_time: must not be less than `max_interval`"),
    ];
    for (yaml, message) in table {
        assert_eq!(wrong(yaml, Retry::read), message);
    }
}

#[test]
fn clients() {
    assert_eq!(wrong("", GrpcClient::read), "endpoint: is required");
    assert_eq!(wrong("endpoint: ''", HttpClient::read), "endpoint: must not be empty");
    assert_eq!(wrong("endpoint: 5", HttpClient::read), {
        "endpoint: must be a text, not the number 5; write it in quotes"
    });
    assert_eq!(wrong("endpoint: 127.0.0.1:4318", HttpClient::read), {
        "endpoint: must be a URL; put `http://` or `https://` before it"
    });
    let (client, warnings) = read_settings("endpoint: localhost:4318", HttpClient::read).unwrap();
    assert_eq!((client.endpoint.as_str(), warnings.len()), ("localhost:4318", 1));
    let without = |section: &mut Section<'_>| {
        GrpcClient::read_without_endpoint(section, GrpcClient::default())
    };
    assert_eq!(read("", without), GrpcClient::default());
    let yaml = "{endpoint: 'a:1', compression: zstd, keepalive: , tls: {insecure: true}}";
    let client = GrpcClient {
        endpoint: "a:1".to_owned(),
        compression: Compression::Zstd,
        keepalive: Some(KeepaliveClient::default()),
        tls: TlsClient { insecure: true, ..TlsClient::default() },
        ..GrpcClient::default()
    };
    assert_eq!(read(yaml, GrpcClient::read), client);
    let gzip = GrpcClient { compression: Compression::Gzip, ..GrpcClient::default() };
    let with = |section: &mut Section<'_>| GrpcClient::read_with(section, gzip.clone());
    assert_eq!(read("endpoint: 'a:1'", with).compression, Compression::Gzip);
    assert_eq!(read("{endpoint: 'a:1', compression: none}", with).compression, Compression::None);
    assert_eq!(wrong("{endpoint: 'a:1', compression: lz4}", GrpcClient::read), {
        "compression: must be one of `gzip`, `snappy`, `zstd`, `none`, not `lz4`"
    });
    let level = "{endpoint: 'http://a', compression: gzip, compression_params: {level: 20}}";
    assert_eq!(wrong(level, HttpClient::read), {
        "compression_params::level: must be from -2 to 9, not 20"
    });
    assert_eq!(read("", Timeout::read).timeout, Duration::from_secs(5));
}

#[test]
fn headers_are_maps_or_lists_of_pairs() {
    let headers = |headers: &str| {
        let yaml = format!("{{endpoint: 'http://a', headers: {headers}}}");
        let client = read(&yaml, HttpClient::read);
        let pairs = client.headers.iter().map(|(name, value)| format!("{name}={}", value.expose()));
        pairs.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(headers("{b: x, a: y}"), "b=x a=y");
    assert_eq!(headers("[{name: b, value: x}, {name: a, value: y}]"), "b=x a=y");
    let table = [
        ("[{name: b}]", "headers: each element must have `name` and `value`, and nothing else"),
        ("[{name: a, value: x}, {name: a, value: y}]", "headers: `a` is there twice"),
        ("{'a b': x}", "headers: `a b` is no name of a header"),
        ("{a: 1}", "headers: `a`: must be a text, not a number; write it in quotes"),
    ];
    for (headers, message) in table {
        let yaml = format!("{{endpoint: 'http://a', headers: {headers}}}");
        assert_eq!(wrong(&yaml, HttpClient::read), message);
    }
}

#[test]
fn servers() {
    let local = HttpServer { endpoint: "localhost:4318".to_owned(), ..HttpServer::default() };
    let with = |section: &mut Section<'_>| HttpServer::read_with(section, local.clone());
    assert_eq!(read("", with), local);
    assert_eq!(wrong("", HttpServer::read), "endpoint: is required");
    assert_eq!(wrong("endpoint: localhost", with), {
        "endpoint: must be `host:port`; the port is missing"
    });
    let socket = read("{endpoint: /run/a.sock, transport: unix}", GrpcServer::read);
    assert_eq!(socket.transport, Transport::Unix);
    assert_eq!(wrong("endpoint: unix:///run/a.sock", GrpcServer::read), {
        "endpoint: is a socket, and needs `transport: unix`"
    });
    assert_eq!(wrong("compression_algorithms: ['', gzpi]", with), {
        "compression_algorithms: `gzpi` is none that is known, did you mean `gzip`?"
    });
    let auth = read("auth: {authenticator: basicauth/x, request_params: [key]}", with);
    assert_eq!(auth.auth.unwrap().authenticator.to_string(), "basicauth/x");
    assert_eq!(auth.auth_request_params, ["key"]);
    assert_eq!(wrong("auth: {}", with), "auth::authenticator: is required");
    assert_eq!(read("max_request_body_size: 0", with).max_request_body_size, 20 << 20);
    let middlewares = read("middlewares: [{id: a}, {id: b/c}]", with).middlewares;
    assert_eq!(middlewares.iter().map(ToString::to_string).collect::<Vec<_>>(), ["a", "b/c"]);
}

#[test]
fn certificates() {
    let table = [
        ("cert_file: a", ": has a certificate without a key; give `key_file`"),
        ("key_file: a", ": has a key without a certificate; give `cert_file`"),
        (
            "{cert_file: a, cert_pem: b, key_file: c}",
            "cert_pem: cannot be combined with `cert_file`",
        ),
        ("max_version: '1.1'", "max_version: must not be less than `min_version`"),
        ("{min_version: '1.0', max_version: '1.1'}", {
            "max_version: must be 1.2 or 1.3: older versions are broken"
        }),
        ("min_version: '1.4'", "min_version: must be one of `1.0`, `1.1`, `1.2`, `1.3`, not `1.4`"),
        ("tpm: {enabled: true}", {
            "tpm::enabled: keys in a TPM are not supported; use `key_file`"
        }),
    ];
    for (yaml, message) in table {
        assert_eq!(wrong(yaml, TlsClient::read), message);
    }
    assert_eq!(wrong("", TlsServer::read), ": needs `cert_file` and `key_file`");
    read("{cert_file: a, key_file: b, client_ca_file: c}", TlsServer::read);
}
