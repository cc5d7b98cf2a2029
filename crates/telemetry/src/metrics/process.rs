//! The process itself: memory, CPU time, uptime, build.
//!
//! Values are read from `/proc` when the page is scraped. Where there is no `/proc`, or it reads
//! differently than expected, the metric is left out rather than shown as zero.

use std::fmt;
use std::fs;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

/// Ticks per second in `/proc/<pid>/stat`. The kernel converts to this constant for user space on
/// every architecture that Spandrel is built for (proc(5), `sysconf(_SC_CLK_TCK)`).
const TICKS_PER_SECOND: f64 = 100.0;

/// Registers `spandrel_build_info`.
pub(crate) fn register_build_info(registry: &mut Registry) {
    let labels = [
        ("version", env!("CARGO_PKG_VERSION")),
        ("os", std::env::consts::OS),
        ("arch", std::env::consts::ARCH),
    ];
    registry.register("spandrel_build", "What is running", Info::new(labels.to_vec()));
}

/// Reads `/proc/self` at each scrape.
#[derive(Debug)]
pub(crate) struct ProcessCollector;

impl Collector for ProcessCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let resident_bytes =
            fs::read_to_string("/proc/self/status").ok().and_then(|s| parse_resident_bytes(&s));
        if let Some(bytes) = resident_bytes {
            let metric = ConstGauge::new(bytes);
            let encoder = encoder.encode_descriptor(
                "process_resident_memory",
                "Resident memory size.",
                Some(&Unit::Bytes),
                MetricType::Gauge,
            )?;
            metric.encode(encoder)?;
        }
        let stat = fs::read_to_string("/proc/self/stat").ok().and_then(|s| parse_stat(&s));
        let Some(stat) = stat else { return Ok(()) };
        ConstCounter::new(stat.cpu_seconds).encode(encoder.encode_descriptor(
            "process_cpu",
            "User and system CPU time spent.",
            Some(&Unit::Seconds),
            MetricType::Counter,
        )?)?;
        let since_boot = fs::read_to_string("/proc/uptime").ok().and_then(|s| parse_uptime(&s));
        if let Some(since_boot) = since_boot {
            let metric = ConstGauge::new((since_boot - stat.started_after_boot_seconds).max(0.0));
            metric.encode(encoder.encode_descriptor(
                "spandrel_process_uptime",
                "Time since the process started.",
                Some(&Unit::Seconds),
                MetricType::Gauge,
            )?)?;
        }
        Ok(())
    }
}

/// The line `VmRSS:    5432 kB` of `/proc/self/status`.
fn parse_resident_bytes(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

/// What we need of `/proc/self/stat`.
#[derive(Debug, PartialEq)]
struct Stat {
    cpu_seconds: f64,
    started_after_boot_seconds: f64,
}

/// Fields 14 (utime), 15 (stime) and 22 (starttime) of proc(5). The command name, field 2, may
/// hold blanks and parentheses, so counting starts after the last `)`.
fn parse_stat(stat: &str) -> Option<Stat> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_ascii_whitespace();
    let user: f64 = fields.nth(11)?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    let started: f64 = fields.nth(6)?.parse().ok()?;
    Some(Stat {
        cpu_seconds: (user + system) / TICKS_PER_SECOND,
        started_after_boot_seconds: started / TICKS_PER_SECOND,
    })
}

/// The first number of `/proc/uptime`: seconds since boot.
fn parse_uptime(uptime: &str) -> Option<f64> {
    uptime.split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resident_memory_is_in_kibibytes() {
        assert_eq!(parse_resident_bytes("Name:\tx\nVmRSS:\t    5432 kB\n"), Some(5432 * 1024));
        assert_eq!(parse_resident_bytes("Name:\tx\n"), None);
        assert_eq!(parse_resident_bytes("VmRSS:\t18446744073709551615 kB\n"), None);
    }

    #[test]
    fn stat_survives_a_command_name_with_blanks_and_parentheses() {
        let stat = "42 (a ) b) S 1 42 42 0 -1 4194560 11 12 13 14 250 150 1 2 20 0 8 0 1234 9 9";
        let expected = Stat { cpu_seconds: 4.0, started_after_boot_seconds: 12.34 };
        assert_eq!(parse_stat(stat), Some(expected));
        assert_eq!(parse_stat("42 (short) S 1 2"), None);
    }

    #[test]
    fn uptime_is_the_first_number() {
        assert_eq!(parse_uptime("350735.47 234388.90\n"), Some(350_735.47));
        assert_eq!(parse_uptime(""), None);
    }
}
