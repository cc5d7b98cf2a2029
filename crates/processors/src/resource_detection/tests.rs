//! Detectors against files, variables and a metadata service of the test's own.

use std::collections::BTreeMap;
use std::io::Write as _;

use spandrel_config::read_settings;
use spandrel_proto::otlp::common::KeyValue;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;
use crate::testing::{Recorder, batch, context, request, span};
use crate::values;

fn settings(yaml: &str) -> ResourceDetectionSettings {
    read_settings(yaml, ResourceDetectionSettings::read).expect(yaml).0
}

/// A machine with these files and variables, and no metadata service.
fn machine(files: &[(&str, &str)], variables: &[(&str, &str)]) -> (tempfile::TempDir, Machine) {
    let root = tempfile::tempdir().expect("a folder");
    for (path, text) in files {
        let path = root.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a file has a folder")).expect("a folder");
        let mut file = std::fs::File::create(path).expect("a file");
        file.write_all(text.as_bytes()).expect("it is written");
    }
    let variables = variables.iter().map(|(name, value)| (name.to_string(), value.to_string()));
    let nowhere = "http://127.0.0.1:1".to_owned();
    let machine = Machine {
        root: root.path().to_owned(),
        environment: variables.collect(),
        link_local: nowhere.clone(),
        google: nowhere,
    };
    (root, machine)
}

/// A service that answers paths, when the request has a line of that text in it.
async fn service(tasks: &TaskSet, answers: &[(&str, &str, &str)]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let answers: Vec<_> =
        answers.iter().map(|(p, h, b)| (p.to_string(), h.to_string(), b.to_string())).collect();
    tasks.spawn("service", async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                if stream.read_exact(&mut byte).await.is_err() {
                    break;
                }
                request.extend(byte);
            }
            let request = String::from_utf8_lossy(&request).to_lowercase();
            let found = answers.iter().find(|(path, header, _)| {
                let is_path = request.split(' ').nth(1) == Some(&path.to_lowercase());
                is_path && request.contains(&header.to_lowercase())
            });
            let (status, body) =
                found.map_or(("404 Not Found", ""), |(_, _, body)| ("200 OK", body));
            let length = body.len();
            let answer = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n\r\n{body}");
            // A client that has gone needs no answer.
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    format!("http://{address}")
}

/// What is added to a resource, as text.
async fn detected(yaml: &str, machine: Machine) -> String {
    let next = Recorder::answering([]);
    let consumer = Arc::clone(&next) as Arc<dyn TraceConsumer>;
    let context = context("resource_detection");
    let processor =
        ResourceDetectionProcessor::on_machine(settings(yaml), consumer, context, machine);
    let processor = processor.expect("built");
    processor.start().await.expect("started");
    processor.consume(batch(&request("shop", vec![span("s", [])]))).await.expect("taken");
    processor.shutdown().await;
    let request = next.requests().remove(0);
    let attributes = &request.resource_spans[0].resource.as_ref().expect("it has one").attributes;
    let value = |pair: &KeyValue| {
        let value = pair.value.clone().and_then(|value| value.value);
        value.map_or_else(String::new, |value| values::as_text(&value))
    };
    let pairs = attributes.iter().map(|pair| format!("{}={}", pair.key, value(pair)));
    pairs.collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn environment() {
    let variables = [("OTEL_RESOURCE_ATTRIBUTES", "a=b, service.name=x%2Cy,c=\"d\"")];
    let (_root, machine) = machine(&[], &variables);
    assert_eq!(detected("", machine.clone()).await, "service.name=x,y a=b c=d");
    assert_eq!(detected("override: false", machine).await, "service.name=shop a=b c=d");
}

#[tokio::test]
async fn this_machine() {
    let files = [
        ("proc/sys/kernel/hostname", "box\n"),
        ("proc/sys/kernel/osrelease", "6.1\n"),
        ("etc/hosts", "127.0.0.1 localhost\n10.0.0.5 box.example.com box\n"),
        ("etc/machine-id", "abc\n"),
        ("etc/os-release", "NAME=\"Tiny\"\nPRETTY_NAME=\"Tiny 1\"\nVERSION_ID=1\n"),
        (
            "proc/cpuinfo",
            "vendor_id : Intel\ncpu family : 6\nmodel : 85\nmodel name : X\ncache size : 512 KB\n\nvendor_id: Other\n",
        ),
        ("sys/class/net/lo/address", "00:00:00:00:00:00\n"),
        ("sys/class/net/eth0/address", "0a:1b:00:00:00:ff\n"),
        (
            "proc/net/fib_trie",
            "Local:\n  |-- 127.0.0.1\n     /32 host LOCAL\n  |-- 10.0.0.5\n     /32 host LOCAL\n  |-- 10.0.0.255\n     /32 link BROADCAST\n",
        ),
        (
            "proc/net/if_inet6",
            "fe80000000000000081b00fffe0000ff 02 40 20 80 eth0\n00000000000000000000000000000001 01 80 10 80 lo\n",
        ),
    ];
    let (_root, machine) = machine(&files, &[]);
    let yaml = "detectors: [system]";
    let expected =
        format!("service.name=shop host.name=box.example.com os.type={}", std::env::consts::OS);
    assert_eq!(detected(yaml, machine.clone()).await, expected);
    let yaml = "{detectors: [system], system: {hostname_sources: [os], resource_attributes: {
        os.type: {enabled: false}, host.id: {enabled: true}, host.ip: {enabled: true},
        host.mac: {enabled: true}, os.description: {enabled: true},
        host.cpu.family: {enabled: true}, host.cpu.cache.l2.size: {enabled: true}}}}";
    assert_eq!(
        detected(yaml, machine).await,
        r#"service.name=shop host.name=box host.id=abc os.description=Tiny 1 (6.1) host.mac=["0A-1B-00-00-00-FF"] host.ip=["10.0.0.5","fe80::81b:ff:fe00:ff"] host.cpu.family=6 host.cpu.cache.l2.size=512"#
    );
}

#[tokio::test]
async fn amazon() {
    let tasks = TaskSet::new();
    let token = "x-aws-ec2-metadata-token: t0";
    let document = r#"{"accountId":"1","region":"r","availabilityZone":"ra","instanceId":"i-1","imageId":"ami","instanceType":"m5"}"#;
    let (_root, mut machine) = machine(&[], &[("KUBERNETES_SERVICE_HOST", "10.0.0.1")]);
    machine.link_local = service(
        &tasks,
        &[
            ("/latest/api/token", "x-aws-ec2-metadata-token-ttl-seconds", "t0"),
            ("/latest/dynamic/instance-identity/document", token, document),
            ("/latest/meta-data/hostname", token, "ip-1"),
            ("/latest/meta-data/tags/instance", token, "Name\nteam"),
            ("/latest/meta-data/tags/instance/team", token, "blue"),
        ],
    )
    .await;
    let of = |platform: &str, more: &str| {
        format!(
            "service.name=shop cloud.provider=aws cloud.platform={platform} cloud.account.id=1 \
             cloud.region=r cloud.availability_zone=ra host.id=i-1 host.image.id=ami host.type=m5 \
             host.name=ip-1{more}"
        )
    };
    let yaml = "{detectors: [ec2], ec2: {tags: ['^t']}}";
    assert_eq!(detected(yaml, machine.clone()).await, of("aws_ec2", " ec2.tag.team=blue"));
    let eks = "service.name=shop cloud.provider=aws cloud.platform=aws_eks";
    assert_eq!(detected("detectors: [eks]", machine.clone()).await, eks);
    // The first that detects a key has it.
    assert_eq!(detected("detectors: [eks, ec2]", machine.clone()).await, of("aws_eks", ""));
    let task = r#"{"TaskARN":"arn:aws:ecs:r:1:task/c/id9","Cluster":"c","Family":"f","Revision":"3","AvailabilityZone":"ra","LaunchType":"FARGATE"}"#;
    let container =
        r#"{"LogDriver":"awslogs","LogOptions":{"awslogs-group":"g","awslogs-stream":"s"}}"#;
    let base = service(&tasks, &[("/v4/x/task", "", task), ("/v4/x", "", container)]).await;
    machine.environment =
        BTreeMap::from([("ECS_CONTAINER_METADATA_URI_V4".to_owned(), format!("{base}/v4/x"))]);
    assert_eq!(
        detected("detectors: [ecs]", machine.clone()).await,
        "service.name=shop cloud.provider=aws cloud.platform=aws_ecs cloud.account.id=1 \
         cloud.region=r cloud.availability_zone=ra aws.ecs.cluster.arn=arn:aws:ecs:r:1:cluster/c \
         aws.ecs.task.arn=arn:aws:ecs:r:1:task/c/id9 aws.ecs.task.family=f \
         aws.ecs.task.revision=3 aws.ecs.task.id=id9 aws.ecs.launchtype=fargate \
         aws.log.group.names=[\"g\"] aws.log.stream.names=[\"s\"]"
    );
    // Elsewhere, they find nothing.
    machine.environment.clear();
    assert_eq!(detected("detectors: [ecs, eks, lambda]", machine).await, "service.name=shop");
}

#[tokio::test]
async fn google_and_azure() {
    let tasks = TaskSet::new();
    let flavor = "metadata-flavor: google";
    let (_root, mut machine) = machine(&[], &[]);
    machine.google = service(
        &tasks,
        &[
            ("/computeMetadata/v1/project/project-id", flavor, "p1"),
            ("/computeMetadata/v1/instance/zone", flavor, "projects/1/zones/europe-west1-b"),
            ("/computeMetadata/v1/instance/machine-type", flavor, "projects/1/machineTypes/e2"),
            ("/computeMetadata/v1/instance/id", flavor, "77"),
            ("/computeMetadata/v1/instance/name", flavor, "vm"),
            ("/computeMetadata/v1/instance/attributes/cluster-name", flavor, "k"),
            ("/computeMetadata/v1/instance/attributes/cluster-location", flavor, "europe-west1"),
        ],
    )
    .await;
    let compute = r#"{"location":"west","subscriptionId":"s","vmId":"v","name":"n","vmSize":"z","resourceGroupName":"MC_g_cl_west","osProfile":{"computerName":"pc"}}"#;
    let path = "/metadata/instance/compute?api-version=2020-09-01&format=json";
    machine.link_local = service(&tasks, &[(path, "metadata: true", compute)]).await;
    assert_eq!(
        detected("detectors: [gce]", machine.clone()).await,
        "service.name=shop cloud.provider=gcp cloud.account.id=p1 \
         cloud.platform=gcp_compute_engine cloud.availability_zone=europe-west1-b \
         cloud.region=europe-west1 host.type=e2 host.id=77 host.name=vm"
    );
    assert_eq!(
        detected("detectors: [azure]", machine.clone()).await,
        "service.name=shop cloud.provider=azure cloud.platform=azure_vm cloud.region=west \
         cloud.account.id=s host.id=v host.name=pc azure.vm.name=n azure.vm.size=z \
         azure.resourcegroup.name=MC_g_cl_west"
    );
    machine.environment.insert("KUBERNETES_SERVICE_HOST".to_owned(), "10.0.0.1".to_owned());
    assert_eq!(
        detected("detectors: [gcp]", machine.clone()).await,
        "service.name=shop cloud.provider=gcp cloud.account.id=p1 \
         cloud.platform=gcp_kubernetes_engine k8s.cluster.name=k cloud.region=europe-west1 \
         host.id=77"
    );
    let yaml =
        "{detectors: [aks], aks: {resource_attributes: {k8s.cluster.name: {enabled: true}}}}";
    assert_eq!(
        detected(yaml, machine).await,
        "service.name=shop cloud.provider=azure cloud.platform=azure_aks k8s.cluster.name=cl"
    );
}

#[tokio::test]
async fn failures_add_nothing_unless_they_must_not_be() {
    let (_root, machine) = machine(&[], &[("OTEL_RESOURCE_ATTRIBUTES", "a=b")]);
    assert_eq!(
        detected("detectors: [ec2, docker, env]", machine.clone()).await,
        "service.name=shop a=b"
    );
    let yaml = "{detectors: [ec2], fail_on_missing_metadata: true}";
    let consumer = Recorder::answering([]) as Arc<dyn TraceConsumer>;
    let processor =
        ResourceDetectionProcessor::on_machine(settings(yaml), consumer, context("r"), machine);
    let error = processor.expect("built").start().await.expect_err("no metadata service");
    assert!(error.to_string().starts_with("ec2: 127.0.0.1: "), "{error}");
}

#[test]
fn mistakes() {
    for (yaml, message) in [
        ("detectors: [ec3]", "knows no detector `ec3`"),
        (
            "system: {resource_attributes: {host.nam: {enabled: true}}}",
            "is no attribute of this detector",
        ),
        ("system: {resource_attributes: {host.name: {enable: true}}}", "enabled"),
        ("system: {hostname_sources: [dsn]}", "dns, os, cname"),
        ("detector: [env]", "detectors"),
    ] {
        let problems = read_settings(yaml, ResourceDetectionSettings::read);
        let problems = problems.expect_err(yaml).to_string();
        assert!(problems.contains(message), "{problems}");
    }
}
