//! The text of settings: those of the processor alone, or with the keys above it as a file has them.

use spandrel_config::yaml::parse;
use spandrel_config::{Findings, Problem, Problems, Value, ValueKind, read_component};
use spandrel_tail_sampling::TailSamplingSettings;

/// What the text is called in front of lines.
const FILE: &str = "settings";
const TYPE: &str = "tail_sampling";
const PROCESSORS: &str = "processors";

/// What a text says.
pub(super) struct Text {
    /// The processor's id, when it is in the text.
    pub(super) id: Option<String>,
    /// The processor's settings, wrong ones included.
    pub(super) body: Option<Value>,
    /// `None` when there is a problem.
    settings: Option<TailSamplingSettings>,
    pub(super) problems: Vec<Problem>,
    pub(super) warnings: Vec<Problem>,
}

impl Text {
    /// The settings, with what deserves a warning.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub(super) fn settings(self) -> Result<(TailSamplingSettings, Vec<Problem>), Problems> {
        match self.settings {
            Some(settings) if self.problems.is_empty() => Ok((settings, self.warnings)),
            _ => Err(Problems::new(self.problems)),
        }
    }
}

/// Reads a text as the pipeline reads the file, except that `${...}` stays what it is: what the environment and the
/// files of this process hold is nobody's business here.
pub(super) fn read(text: &str) -> Text {
    let found = parse(text, FILE).and_then(processor_of);
    let (id, body) = match found {
        Ok(found) => found,
        Err(problem) => {
            let problems = vec![problem];
            let (settings, warnings) = (None, Vec::new());
            return Text { id: None, body: None, settings, problems, warnings };
        }
    };
    let mut findings = Findings::default();
    let path = format!("{PROCESSORS}::{}", id.as_deref().unwrap_or(TYPE));
    let settings = read_component(&body, &path, &mut findings, TailSamplingSettings::read);
    if text.contains("${") {
        let warning = Problem::at(&body.position, path, "`${...}` is not replaced here");
        findings.warnings.push(warning.advise("write the value itself to try it"));
    }
    Text {
        id,
        settings: settings.filter(|_| findings.problems.is_empty()),
        body: body.entries().is_some().then_some(body),
        problems: Problems::new(findings.problems).into_vec(),
        warnings: Problems::new(findings.warnings).into_vec(),
    }
}

/// The processor's settings within `processors:` or `tail_sampling:`, or all of the text.
fn processor_of(root: Value) -> Result<(Option<String>, Value), Problem> {
    let of_type = |key: &str| key == TYPE || key.starts_with("tail_sampling/");
    let is_file = root.member(PROCESSORS).is_some();
    let root = root.member(PROCESSORS).cloned().unwrap_or(root);
    let entries = root.entries().unwrap_or_default();
    let mut own = entries.iter().filter(|(key, _)| of_type(&key.text));
    match (own.next(), own.next()) {
        (Some((key, body)), None) => Ok((Some(key.text.to_string()), body.clone())),
        (Some(_), Some((key, _))) => {
            let message = "there are several processors of this type; leave one of them";
            Err(Problem::at(&key.position, PROCESSORS, message))
        }
        (None, _) if is_file => {
            let message = "there is no processor `tail_sampling` in here";
            Err(Problem::at(&root.position, PROCESSORS, message))
        }
        (None, _) => Ok((None, root)),
    }
}

/// The policies of a processor's settings as they are written; one map counts as a list of one.
pub(super) fn policies_of(body: &Value) -> &[Value] {
    match body.member("policies") {
        Some(Value { kind: ValueKind::List(policies), .. }) => policies,
        Some(policy) if policy.entries().is_some() => std::slice::from_ref(policy),
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Vec<String> {
        read(text).problems.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_processor_is_found_wherever_it_stands() {
        const POLICY: &str = "[{name: all, type: always_sample}]";
        for (text, id) in [
            (format!("policies: {POLICY}"), None),
            (format!("tail_sampling: {{policies: {POLICY}}}"), Some("tail_sampling")),
            (
                format!("processors: {{batch: , tail_sampling/x: {{policies: {POLICY}}}}}"),
                Some("tail_sampling/x"),
            ),
            (format!(r#"{{"policies": {POLICY}, "decision_wait": "5s"}}"#), None),
        ] {
            let found = read(&text);
            assert_eq!(found.id.as_deref(), id, "{text}");
            assert_eq!(found.settings().unwrap().0.policies.len(), 1, "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_as_at_the_start_of_a_pipeline() {
        let text =
            "policies:\n  - name: a\n    type: latencyy\n  - {name: a, type: always_sample}\n";
        assert_eq!(
            said(text),
            [
                "settings:3:11: processors::tail_sampling::policies[0]::type: no policy has the type `latencyy`, \
                 did you mean `latency`?"
            ]
        );
        let twice = "policies: [{name: a, type: always_sample}, {name: a, type: always_sample}]";
        assert_eq!(
            said(twice),
            ["settings:1:11: processors::tail_sampling::policies: two policies have the name `a`"]
        );
        assert!(said("policies: [")[0].starts_with("settings:"), "{:?}", said("policies: ["));
        assert_eq!(
            said("processors: {batch: }"),
            ["settings:1:13: processors: there is no processor `tail_sampling` in here"]
        );
        assert_eq!(
            said("x")[0],
            "settings:1:1: processors::tail_sampling: must be a map of settings, not `x`"
        );
    }

    #[test]
    fn nothing_of_this_process_gets_into_settings() {
        let text = "policies: [{name: '${env:HOME}', type: always_sample}]";
        let (settings, warnings) = read(text).settings().unwrap();
        assert_eq!(settings.policies[0].name, "${env:HOME}");
        assert!(warnings[0].to_string().contains("`${...}` is not replaced here"), "{warnings:?}");
    }
}
