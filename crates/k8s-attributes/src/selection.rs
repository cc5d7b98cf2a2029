//! Which pods are asked for: the settings of `filter`, in Kubernetes' own words.

use std::collections::BTreeMap;

use spandrel_config::Section;

/// The field of a pod that has its node.
const NODE_FIELD: &str = "spec.nodeName";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equals,
    NotEquals,
    Exists,
    DoesNotExist,
    In,
    NotIn,
}

const OPERATORS: [(&str, Operator); 6] = [
    ("equals", Operator::Equals),
    ("not-equals", Operator::NotEquals),
    ("exists", Operator::Exists),
    ("does-not-exist", Operator::DoesNotExist),
    ("in", Operator::In),
    ("not-in", Operator::NotIn),
];

/// The pods of a namespace or node, or with certain labels.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// The only namespace; `None` for all.
    pub namespace: Option<String>,
    /// A label selector.
    pub labels: Vec<String>,
    /// A field selector.
    pub fields: Vec<String>,
    /// The node, by its name or by an environment variable that has the name.
    node: Option<String>,
    node_variable: Option<String>,
}

impl Selection {
    pub(crate) fn read(section: &mut Section<'_>) -> Self {
        let text = |text: Option<String>| text.filter(|text| !text.is_empty());
        let labels = section.sections("labels", |section| requirement(section, true));
        let fields = section.sections("fields", |section| requirement(section, false));
        Self {
            namespace: text(section.get("namespace")),
            labels: labels.into_iter().flatten().collect(),
            fields: fields.into_iter().flatten().collect(),
            node: text(section.get("node")),
            node_variable: text(section.get("node_from_env_var")),
        }
    }

    /// The node; an environment variable that is not set means all nodes, as it does in the Collector.
    pub fn node(&self, environment: &BTreeMap<String, String>) -> Option<String> {
        let node = match &self.node_variable {
            Some(variable) => environment.get(variable),
            None => self.node.as_ref(),
        };
        node.filter(|node| !node.is_empty()).cloned()
    }

    /// The environment variable that has the node and is not set.
    pub fn missing_variable(&self, environment: &BTreeMap<String, String>) -> Option<&str> {
        let variable = self.node_variable.as_deref()?;
        environment.get(variable).is_none_or(String::is_empty).then_some(variable)
    }

    /// The selectors of labels and of fields, for a node.
    pub fn selectors(&self, node: Option<&str>) -> (Option<String>, Option<String>) {
        let node = node.map(|node| format!("{NODE_FIELD}={}", escaped(node)));
        let fields: Vec<String> = self.fields.iter().cloned().chain(node).collect();
        let joined = |parts: &[String]| (!parts.is_empty()).then(|| parts.join(","));
        (joined(&self.labels), joined(&fields))
    }
}

/// One requirement of a selector.
fn requirement(section: &mut Section<'_>, is_label: bool) -> Option<String> {
    let key: String = section.required("key")?;
    let value: String = section.or("value", String::new());
    let operator = section.choice("op", &OPERATORS).unwrap_or(Operator::Equals);
    let value = if is_label { value } else { escaped(&value) };
    match operator {
        Operator::Equals => Some(format!("{key}={value}")),
        Operator::NotEquals => Some(format!("{key}!={value}")),
        Operator::Exists if is_label => Some(key),
        Operator::DoesNotExist if is_label => Some(format!("!{key}")),
        _ => {
            let message = match is_label {
                true => "has one value, so that labels are compared by equals or not-equals",
                false => "fields are compared by equals or not-equals only",
            };
            section.problem(Some("op"), message);
            None
        }
    }
}

/// A value as field selectors write it.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace(',', "\\,").replace('=', "\\=")
}
