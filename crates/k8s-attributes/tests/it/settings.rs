//! Settings, right and wrong.

use std::time::Duration;

use spandrel_config::read_settings;
use spandrel_k8s_attributes::{Access, K8sAttributesSettings};

use crate::fixture::{map, settings};

#[test]
fn selections_in_the_words_of_kubernetes() {
    let read = settings(
        "filter: {namespace: shop, node_from_env_var: NODE,
            labels: [{key: a, value: b}, {key: c, value: d, op: not-equals}, {key: e, op: exists}, {key: f, op: does-not-exist}],
            fields: [{key: status.phase, value: 'x,y'}, {key: spec.z, value: w, op: not-equals}]}",
    );
    let selection = &read.selection;
    assert_eq!(selection.namespace.as_deref(), Some("shop"));
    let environment = map([("NODE", "n1")]);
    let node = selection.node(&environment);
    assert_eq!(
        selection.selectors(node.as_deref()),
        (
            Some("a=b,c!=d,e,!f".to_owned()),
            Some("status.phase=x\\,y,spec.z!=w,spec.nodeName=n1".to_owned())
        )
    );
    assert_eq!(selection.missing_variable(&environment), None);
    assert_eq!(selection.node(&map([])), None);
    assert_eq!(selection.missing_variable(&map([])), Some("NODE"));
    assert_eq!(settings("").selection.selectors(None), (None, None));
}

#[test]
fn defaults() {
    let read = settings("");
    assert_eq!(read.pod_delete_grace_period, Duration::from_secs(120));
    assert_eq!((read.wait_for_metadata, read.access), (None, Access::ServiceAccount));
    let read = settings("{wait_for_metadata: true, auth_type: kubeConfig, context: c}");
    assert_eq!(read.wait_for_metadata, Some(Duration::from_secs(10)));
    assert_eq!((read.access, read.context.as_deref()), (Access::KubeConfig, Some("c")));
}

#[test]
fn mistakes() {
    for (yaml, message) in [
        ("pod_association: [{sources: [{from: resource_attribute}]}]", "name is required"),
        ("pod_association: [{sources: [{from: conection}]}]", "connection"),
        ("pod_association: [{sources: []}]", "1 to 4 sources"),
        ("pod_association: [{from: connection}, {from: connection}]", "twice"),
        ("extract: {metadata: [pod.name]}", "knows no `pod.name`"),
        ("extract: {labels: [{tag_name: x}]}", "one of key and key_regex"),
        ("extract: {labels: [{key_regex: '('}]}", "invalid regular expression"),
        ("extract: {labels: [{key: a, from: service}]}", "must be one of pod"),
        ("filter: {labels: [{key: a, op: like}]}", "exists"),
        ("filter: {labels: [{key: a, op: in}]}", "equals or not-equals"),
        ("filter: {fields: [{key: a, op: exists}]}", "equals or not-equals only"),
        ("exclude: {pods: [{name: '['}]}", "invalid regular expression"),
        ("auth_type: token", "serviceAccount"),
    ] {
        let problems =
            read_settings(yaml, K8sAttributesSettings::read).expect_err(yaml).to_string();
        assert!(problems.contains(message), "{problems}");
    }
}
