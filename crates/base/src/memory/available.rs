//! How much memory the process may use: that of the machine, or less in a container.
//!
//! Read from `/proc/meminfo` and from the control group of the process and all groups around it, version 2
//! (`memory.max`) or 1 (`memory.limit_in_bytes`). In a container the path of the group may be that of the
//! host and not be there; then the root of the mounted tree, which is the group of the container, counts.

use std::path::Path;

/// Bytes of memory that the process may use; `None` where it cannot be told.
pub fn available_bytes() -> Option<u64> {
    available_under(Path::new("/"))
}

fn available_under(root: &Path) -> Option<u64> {
    let read = |path: &str| std::fs::read_to_string(root.join(path)).ok();
    let machine = read("proc/meminfo").and_then(|text| parse_total(&text));
    let groups = read("proc/self/cgroup").unwrap_or_default();
    let limits = groups.lines().flat_map(|line| group_limits(root, line));
    limits.chain(machine).min()
}

/// `MemTotal`, which is in kibibytes.
fn parse_total(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// The limits of a group and of those around it. A line is `id:controllers:path`; version 2 has id 0 and no
/// controllers.
fn group_limits(root: &Path, line: &str) -> Vec<u64> {
    let mut parts = line.splitn(3, ':');
    let (id, controllers) = (parts.next(), parts.next());
    let (tree, file) = match (id, controllers) {
        (Some("0"), Some("")) => ("sys/fs/cgroup", "memory.max"),
        (_, Some(names)) if names.split(',').any(|name| name == "memory") => {
            ("sys/fs/cgroup/memory", "memory.limit_in_bytes")
        }
        _ => return Vec::new(),
    };
    let path = parts.next().unwrap_or_default().trim_start_matches('/');
    // Every ancestor of a relative path, the empty one included, below the tree.
    let groups = Path::new(path).ancestors().map(|group| root.join(tree).join(group).join(file));
    // `max`, and no file in the root of the machine, mean no limit.
    let limits = groups.filter_map(|file| std::fs::read_to_string(file).ok()?.trim().parse().ok());
    limits.collect()
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    const MEMINFO: &str = "MemTotal:        2048 kB\nMemFree:   10 kB\n";

    /// A root folder with these files.
    fn machine(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().expect("a folder");
        for (path, text) in files {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().expect("a file has a folder")).expect("a folder");
            let mut file = std::fs::File::create(path).expect("a file");
            file.write_all(text.as_bytes()).expect("it is written");
        }
        root
    }

    fn available(files: &[(&str, &str)]) -> Option<u64> {
        available_under(machine(files).path())
    }

    #[test]
    fn without_groups_it_is_the_memory_of_the_machine() {
        assert_eq!(available(&[("proc/meminfo", MEMINFO)]), Some(2 << 20));
        assert_eq!(available(&[]), None);
    }

    #[test]
    fn the_tightest_group_counts() {
        let files = [
            ("proc/meminfo", MEMINFO),
            ("proc/self/cgroup", "0::/system.slice/spandrel.service\n"),
            ("sys/fs/cgroup/system.slice/memory.max", "1000000\n"),
            ("sys/fs/cgroup/system.slice/spandrel.service/memory.max", "max\n"),
        ];
        assert_eq!(available(&files), Some(1_000_000));
    }

    #[test]
    fn a_container_sees_its_own_group_at_the_root() {
        let files = [
            ("proc/meminfo", MEMINFO),
            ("proc/self/cgroup", "0::/kubepods/pod1/c1\n"),
            ("sys/fs/cgroup/memory.max", "500000\n"),
        ];
        assert_eq!(available(&files), Some(500_000));
    }

    #[test]
    fn version_1_groups_and_their_way_to_say_unlimited() {
        let mut files = vec![
            ("proc/meminfo", MEMINFO),
            ("proc/self/cgroup", "5:cpu,cpuacct:/a\n4:memory:/docker/c1\n"),
            ("sys/fs/cgroup/memory/docker/c1/memory.limit_in_bytes", "9223372036854771712\n"),
        ];
        assert_eq!(available(&files), Some(2 << 20));
        files.push(("sys/fs/cgroup/memory/memory.limit_in_bytes", "700000"));
        assert_eq!(available(&files), Some(700_000));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_machine_has_some() {
        assert!(available_bytes().is_some_and(|bytes| bytes > 16 << 20));
    }
}
