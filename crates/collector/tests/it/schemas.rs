//! Upstream's schemas of component settings: every key of ours is accepted in every section, and one that is in none
//! is refused with the key that was probably meant. How many per folder is printed.

use std::fs;
use std::path::{Path, PathBuf};

use spandrel_collector::{StubPolicy, component_types};
use spandrel_config::types::{Canonical, Kind, canonical};
use spandrel_config::{Problem, Value, ValueKind, yaml};
use spandrel_suites::say;

use crate::suite::{folder, plan};

/// Sections nest at most this deep: some policies contain each other.
const DEPTH_MAX: usize = 4;

/// A definition, and the package that its references start from.
#[derive(Clone)]
struct Definition {
    root: PathBuf,
    package: PathBuf,
    body: Value,
}

impl Definition {
    fn of_component(root: &Path, package: &Path) -> Self {
        let body = read(package);
        Self { root: root.to_owned(), package: package.to_owned(), body }
    }

    /// What `/config/configtls.config`, `./internal/common.option`, `go.opentelemetry.io/collector/config/x.y` or the
    /// name of a definition in the same file stands for. `None` when that package is not in the collection.
    fn follow(&self, reference: &str) -> Option<Self> {
        let core = reference.strip_prefix("go.opentelemetry.io/collector/");
        let (package, name) = match reference.rsplit_once('.') {
            Some((package, name)) if core.is_none() => (Some(package), name),
            Some((_, name)) => (None, name),
            None => (Some(""), reference),
        };
        let (root, package) = match (core, package.unwrap_or_default()) {
            (Some(core), _) => {
                let root = self.root.parent().unwrap().join("core");
                let package = root.join(core.rsplit_once('.')?.0);
                (root, package)
            }
            (None, "") => (self.root.clone(), self.package.clone()),
            (None, package) => match package.strip_prefix('/') {
                Some(package) => (self.root.clone(), self.root.join(package)),
                None => (self.root.clone(), self.package.join(package)),
            },
        };
        if !package.join("config.schema.yaml").is_file() {
            return None;
        }
        let body = read(&package).member("$defs")?.member(name)?.clone();
        Some(Self { root, package, body })
    }

    fn with(&self, body: &Value) -> Self {
        match body.member("$ref").and_then(Value::as_text) {
            // Maps of headers are what people write for this list of pairs.
            Some(reference) if !reference.ends_with("map_list") => self
                .follow(reference)
                .unwrap_or_else(|| Self { body: body.clone(), ..self.clone() }),
            _ => Self { body: body.clone(), ..self.clone() },
        }
    }

    fn properties(&self) -> Vec<(String, Self)> {
        let mut properties = Vec::new();
        let own = self.body.member("properties").and_then(Value::entries).unwrap_or_default();
        properties.extend(own.iter().map(|(key, body)| (key.text.to_string(), self.with(body))));
        if let Some(Value { kind: ValueKind::List(parts), .. }) = self.body.member("allOf") {
            for part in parts {
                let reference = part.member("$ref").and_then(Value::as_text).unwrap_or_default();
                let below = BELOW_A_KEY.iter().find(|(end, _)| reference.ends_with(end));
                match below {
                    Some((_, key)) => properties.push(((*key).to_owned(), self.with(part))),
                    None => properties.extend(self.with(part).properties()),
                }
            }
        }
        properties
    }

    fn text(&self, name: &str) -> &str {
        self.body.member(name).and_then(Value::as_text).unwrap_or_default()
    }

    /// All of it below `path`.
    fn section(&self, path: &str, depth: usize) -> Section {
        let mut keys = Vec::new();
        for (key, definition) in self.properties() {
            let path = format!("{path}::{key}");
            if is_left_out(&path) {
                continue;
            }
            let is_deep = depth >= DEPTH_MAX;
            let item = definition.body.member("items").map(|item| definition.with(item));
            let item = item.filter(|item| !item.properties().is_empty());
            let content = match (definition.text("type"), definition.text("format"), item) {
                _ if !definition.properties().is_empty() && !is_deep => {
                    Content::Section(definition.section(&path, depth + 1))
                }
                ("array", _, Some(item)) if !is_deep => {
                    Content::List(item.section(&format!("{path}[0]"), depth + 1))
                }
                ("boolean", ..) => Content::Value("true"),
                ("integer", ..) => Content::Value("5"),
                ("number", ..) => Content::Value("0.5"),
                ("string", "duration", _) => Content::Value("7s"),
                _ => Content::Value("null"),
            };
            keys.push((key, content));
        }
        Section { path: path.to_owned(), keys }
    }
}

/// Keys and what is below them.
struct Section {
    path: String,
    keys: Vec<(String, Content)>,
}

enum Content {
    Section(Section),
    List(Section),
    Value(&'static str),
}

impl Section {
    /// YAML with all keys; `unknown` is the path of a section, and a key that does not exist in it.
    fn sample(&self, unknown: Option<(&str, &str)>) -> String {
        let mut entries: Vec<String> = Vec::new();
        for (key, content) in &self.keys {
            let value = match content {
                Content::Section(section) => section.sample(unknown),
                Content::List(item) => format!("[{}]", item.sample(unknown)),
                Content::Value(value) => (*value).to_owned(),
            };
            entries.push(format!("{key}: {value}"));
        }
        entries
            .extend(unknown.filter(|(of, _)| *of == self.path).map(|(_, key)| format!("{key}: 1")));
        format!("{{{}}}", entries.join(", "))
    }

    /// The paths of this section and those below, each with its longest key.
    fn below<'a>(&'a self, into: &mut Vec<(&'a str, &'a str)>) {
        let longest = self.keys.iter().map(|(key, _)| key.as_str()).max_by_key(|key| key.len());
        into.extend(longest.map(|key| (self.path.as_str(), key)));
        for (_, content) in &self.keys {
            if let Content::Section(section) | Content::List(section) = content {
                section.below(into);
            }
        }
    }
}

fn read(package: &Path) -> Value {
    let file = package.join("config.schema.yaml");
    let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{file:?}: {error}"));
    yaml::parse(&text, "schema").unwrap()
}

/// The schemas leave out the key that these embedded structures have in a file.
const BELOW_A_KEY: [(&str, &str); 2] =
    [("configretry.back_off_config", "retry_on_failure"), ("protocols", "protocols")];

/// Keys whose value is a word and a number in the schema; that are ignored with all that is below them; that are about
/// other signals; and policies, which are read by their type.
fn is_left_out(path: &str) -> bool {
    const ENDS: [&str; 8] = [
        "debug::verbosity",
        "jaeger::remote_sampling",
        "::log_severity_number",
        "::ExtensionCfg",
        "tailsampling::policies",
        "transform::log_statements",
        "transform::metric_statements",
        "transform::profile_statements",
    ];
    ENDS.iter().any(|end| path.ends_with(end))
}

/// A component of the schemas: its folder, kind, and type as its package is called.
struct Component {
    folder: &'static str,
    kind: Kind,
    type_name: String,
    settings: Definition,
}

fn components(root: &Path) -> Vec<Component> {
    let mut components = Vec::new();
    for release in ["core", "contrib-v0.153", "contrib-v0.155"] {
        for kind in Kind::ALL {
            let root = root.join(release);
            let Ok(packages) = fs::read_dir(root.join(kind.singular())) else { continue };
            for package in packages.map(|entry| entry.unwrap().path()) {
                let name = package.file_name().unwrap().to_str().unwrap();
                let Some(type_name) = name.strip_suffix(kind.singular()) else { continue };
                if package.join("config.schema.yaml").is_file() {
                    let settings = Definition::of_component(&root, &package);
                    let type_name = type_name.to_owned();
                    components.push(Component { folder: release, kind, type_name, settings });
                }
            }
        }
    }
    components
}

impl Component {
    fn is_here(&self) -> bool {
        let (Canonical::Current(name) | Canonical::Renamed { name, .. }) =
            canonical(self.kind, &self.type_name)
        else {
            return false;
        };
        component_types(self.kind).contains(&name)
    }

    fn path(&self) -> String {
        format!("{}::{}", self.kind.plural(), self.type_name)
    }

    /// What is wrong with the settings.
    fn problems(&self, settings: &str) -> Vec<Problem> {
        let frame = "yaml:{receivers: {nop: }, exporters: {nop: }, service: {pipelines: {traces: {receivers: [nop], exporters: [nop]}}}}";
        let component =
            format!("yaml:{{{}: {{{}: {settings}}}}}", self.kind.plural(), self.type_name);
        let planned = plan(&[frame.to_owned(), component], StubPolicy::Accept, &|_| None);
        planned.err().map(|problems| problems.into_vec()).unwrap_or_default()
    }
}

/// Guarantees: each key of upstream's schemas is known where it belongs, with the type that it has there; a misspelled
/// one is refused in each section, and the right one is suggested.
#[test]
fn components_have_the_keys_of_their_schemas() {
    let Some(root) = folder("otel/config-schemas") else { return };
    let components = components(&root);
    assert!(components.len() > 20, "{}", components.len());
    let (mut wrong, mut n_sections) = (Vec::new(), 0);
    for component in &components {
        if !component.is_here() {
            say(&format!(
                "{} {}: a stub, its settings are not looked at",
                component.folder,
                component.path()
            ));
            continue;
        }
        let path = component.path();
        let all = component.settings.section(&path, 0);
        let refused = |problem: &&Problem| {
            problem.message == "unknown key" || problem.message.contains(", not the ")
        };
        let problems = component.problems(&all.sample(None));
        wrong.extend(
            problems
                .iter()
                .filter(refused)
                .map(|problem| format!("{}: {problem}", component.folder)),
        );
        let mut sections = Vec::new();
        all.below(&mut sections);
        n_sections += sections.len();
        for (section, key) in &sections {
            let misspelled = format!("{key}x");
            let found = component.problems(&all.sample(Some((section, &misspelled))));
            let expected = format!("{section}::{misspelled}");
            let is_suggested = |problem: &&Problem| {
                // Lists of texts or maps are read as one value, and name the key in what they say.
                let is_here = problem.path == expected || problem.message.contains(&misspelled);
                let text = problem.to_string().replace(&misspelled, "");
                is_here && text.contains(*key)
            };
            if !found.iter().any(|problem| is_suggested(&problem)) {
                wrong.push(format!("{}: {expected}: {found:?}", component.folder));
            }
        }
        say(&format!("{} {path}: {} sections", component.folder, sections.len()));
    }
    say(&format!("config-schemas: {} components, {n_sections} sections", components.len()));
    assert_eq!(wrong, [""; 0]);
}
