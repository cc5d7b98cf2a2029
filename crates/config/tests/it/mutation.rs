//! Texts that nobody would write: nothing panics, everything ends, and what is printed reads as the same.

use spandrel_config::{Config, Format, Inspection, Redaction, yaml};

use crate::yaml::show;

const TEXTS: [&str; 4] = [
    "receivers: {otlp: {protocols: {grpc: {endpoint: '0.0.0.0:4317'}, http: }}}\nexporters: {debug: }\nservice:\n  pipelines:\n    traces: {receivers: [otlp], exporters: [debug]}\n",
    "a: &x\n  b: [1, 2.5, true, ~, \"q\"]\n  c: |\n    text\n    more\nd:\n  <<: *x\n  e: !!str 12\n",
    "a: ${env:A}\nb: pre ${B:-x} post $$ $${C}\nc: [${LIST}, ${env:${NAME}}]\nd::e: ${yaml:{f: 1}}\n",
    "service:\n  telemetry:\n    logs: {level: info}\n    metrics:\n      readers:\n      - pull: {exporter: {prometheus: {host: h, port: 1}}}\n    resource: {k: v}\n  extensions: [a/b]\n",
];
const PARTS: [&str; 30] = [
    "&x ", "*x", "<<: ", "${", "}", "${A}", "$$", "::", "\t", "\n", "- ", "? ", "|\n", ">\n", "'",
    "\"", "{", "[", "]", "!!int ", "!x ", "#", ": ", ",", "---\n", "...\n", "\u{feff}", "\u{e4}",
    "\\", "%",
];
const ROUNDS: u64 = 4_000;

/// Marsaglia's xorshift.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }
}

fn mutate(text: &str, random: &mut Random) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    for _ in 0..=random.below(6) {
        let at = random.below(chars.len() + 1);
        match random.below(4) {
            0 => drop(chars.splice(at..at, PARTS[random.below(PARTS.len())].chars())),
            1 => {
                let end = (at + random.below(8)).min(chars.len());
                chars.drain(at..end);
            }
            2 => {
                let end = (at + random.below(40)).min(chars.len());
                let part = chars[at..end].to_vec();
                let to = random.below(chars.len() + 1);
                chars.splice(to..to, part);
            }
            _ => {
                if let Some(char) = chars.get_mut(at) {
                    *char = char::from(random.below(128) as u8);
                }
            }
        }
    }
    chars.into_iter().collect()
}

#[test]
fn mutated_texts_are_read_or_refused() {
    let env = |name: &str| match name {
        "A" => Some("0123".to_owned()),
        "LIST" => Some("[x, '${A}', '${LIST}']".to_owned()),
        "NAME" => Some("A".to_owned()),
        _ => None,
    };
    let mut read = 0;
    for seed in 1..=ROUNDS {
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let text = TEXTS[random.below(TEXTS.len())];
        let source = format!("yaml:{}", mutate(text, &mut random));
        let Inspection { config, problems, .. } =
            Config::inspect(std::slice::from_ref(&source), &[], &env);
        assert!(problems.iter().all(|problem| problem.to_string().len() < 10_000));
        let Some(config) = config else { continue };
        read += 1;
        let printed = config.print(Format::Yaml, Redaction::Off);
        let again = yaml::parse(&printed, "printed.yaml").unwrap_or_else(|problem| {
            panic!("{problem} in what is printed of {source:?}:\n{printed}");
        });
        // `::` in a value's key of what was not nested is nested when it is read as a configuration.
        let json = yaml::parse(&config.print(Format::Json, Redaction::Off), "printed.json");
        assert_eq!(show(&json.unwrap()), show(&again), "{source:?}");
    }
    assert!(read > ROUNDS / 10, "{read} of {ROUNDS} were read");
}
