//! The machine itself, as its kernel describes it in files.

use spandrel_proto::otlp::common::any_value::Value;
use spandrel_proto::otlp::common::{AnyValue, ArrayValue};

use super::super::attributes::Attribute;
use super::super::machine::Machine;
use super::super::settings::HostnameSource;
use super::{Found, texts};

/// Everything that is known; the configuration says what of it is added.
pub(super) async fn system(machine: &Machine, sources: &[HostnameSource]) -> Result<Found, String> {
    let name = host_name(machine, sources).await?;
    let release = machine.file("etc/os-release").unwrap_or_default();
    let of_release = |key: &str| {
        let mut lines = release.lines();
        lines
            .find_map(|line| line.strip_prefix(key)?.strip_prefix('='))
            .map(|text| text.trim_matches('"'))
    };
    let kernel = machine.file("proc/sys/kernel/osrelease");
    let id = machine.file("etc/machine-id").or_else(|| machine.file("var/lib/dbus/machine-id"));
    let mut found = texts([
        ("host.name", Some(name.as_str())),
        ("os.type", Some(os_type())),
        ("host.arch", Some(arch())),
        ("host.id", id.as_deref()),
        ("os.name", of_release("NAME")),
        ("os.version", of_release("VERSION_ID")),
        ("os.build.id", of_release("BUILD_ID")),
    ]);
    if let Some(pretty) = of_release("PRETTY_NAME") {
        let kernel = kernel.map_or_else(String::new, |kernel| format!(" ({kernel})"));
        found.push(Attribute::text("os.description", format!("{pretty}{kernel}")));
    }
    found.extend(network(machine));
    found.extend(processor(machine));
    Ok(found)
}

/// The name of the machine from the first source that knows it.
async fn host_name(machine: &Machine, sources: &[HostnameSource]) -> Result<String, String> {
    let short =
        || machine.file("proc/sys/kernel/hostname").or_else(|| machine.file("etc/hostname"));
    for source in sources {
        let name = match source {
            HostnameSource::Os => short(),
            // The resolver of the system would tell the full name; the file that it asks first does it as well.
            HostnameSource::Dns | HostnameSource::Cname | HostnameSource::Lookup => {
                short().and_then(|short| full_name(machine, &short))
            }
        };
        if let Some(name) = name {
            return Ok(name);
        }
    }
    short().ok_or_else(|| "cannot tell the name of the machine".to_owned())
}

/// The name with its domain, out of `/etc/hosts` or with the domain of the resolver.
fn full_name(machine: &Machine, short: &str) -> Option<String> {
    let hosts = machine.file("etc/hosts").unwrap_or_default();
    let names = hosts
        .lines()
        .flat_map(|line| line.split('#').next().unwrap_or_default().split_whitespace().skip(1));
    let prefix = format!("{short}.");
    let full = names.into_iter().find(|name| name.starts_with(&prefix));
    full.map(str::to_owned)
}

fn os_type() -> &'static str {
    match std::env::consts::OS {
        "macos" => "darwin",
        other => other,
    }
}

fn arch() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "arm" => "arm32",
        other => other,
    }
}

/// Addresses of all interfaces but the loopback.
fn network(machine: &Machine) -> Found {
    let Ok(entries) = std::fs::read_dir(machine.root.join("sys/class/net")) else {
        return Vec::new();
    };
    let mut names: Vec<String> =
        entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    names.sort_unstable();
    names.retain(|name| name != "lo");
    let macs =
        names.iter().filter_map(|name| machine.file(format!("sys/class/net/{name}/address")));
    let macs = macs.map(|mac| mac.to_uppercase().replace(':', "-"));
    vec![
        list("host.mac", macs.collect()),
        list("host.ip", addresses(machine)),
        list("host.interface", names),
    ]
}

/// Addresses out of the routing tables: version 4 by their local routes, version 6 by their list.
fn addresses(machine: &Machine) -> Vec<String> {
    let mut addresses: Vec<String> = Vec::new();
    let trie = machine.file("proc/net/fib_trie").unwrap_or_default();
    let mut last = "";
    for line in trie.lines().map(str::trim) {
        if let Some(address) = line.strip_prefix("|-- ") {
            last = address;
        } else if line.starts_with("/32 host LOCAL") && !last.starts_with("127.") {
            addresses.push(last.to_owned());
        }
    }
    let version_6 = machine.file("proc/net/if_inet6").unwrap_or_default();
    for line in version_6.lines().filter(|line| !line.ends_with(" lo")) {
        let digits = line.split_whitespace().next().unwrap_or_default();
        if let Ok(bits) = u128::from_str_radix(digits, 16) {
            addresses.push(std::net::Ipv6Addr::from(bits).to_string());
        }
    }
    addresses.sort_unstable();
    addresses.dedup();
    addresses
}

fn list(key: &str, texts: Vec<String>) -> Attribute {
    let value = |text| AnyValue { value: Some(Value::StringValue(text)) };
    let values = texts.into_iter().map(value).collect();
    Attribute { key: key.to_owned(), value: Value::ArrayValue(ArrayValue { values }) }
}

/// The first processor of `/proc/cpuinfo`.
fn processor(machine: &Machine) -> Found {
    let info = machine.file("proc/cpuinfo").unwrap_or_default();
    let of = |key: &str| {
        let mut lines = info.lines().take_while(|line| !line.trim().is_empty());
        lines.find_map(|line| {
            let (name, value) = line.split_once(':')?;
            (name.trim() == key).then_some(value.trim())
        })
    };
    let mut found = texts([
        ("host.cpu.vendor.id", of("vendor_id")),
        ("host.cpu.family", of("cpu family")),
        ("host.cpu.model.id", of("model")),
        ("host.cpu.model.name", of("model name")),
        ("host.cpu.stepping", of("stepping")),
    ]);
    let cache = of("cache size").and_then(|size| size.strip_suffix(" KB")?.parse::<i64>().ok());
    found.extend(cache.map(|kibibytes| Attribute {
        key: "host.cpu.cache.l2.size".to_owned(),
        value: Value::IntValue(kibibytes),
    }));
    found
}
