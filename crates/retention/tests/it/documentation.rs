//! The examples of the documentation are policies.

use spandrel_retention::PolicyFile;

#[test]
fn every_example_is_valid_and_has_no_rule_without_effect() {
    let text = std::fs::read_to_string("../../docs/retention.md").unwrap();
    let examples = text.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let mut n_examples = 0;
    for example in examples {
        let file = PolicyFile::parse(example).unwrap();
        assert_eq!(file.warnings(), [], "{example}");
        n_examples += 1;
    }
    assert!(n_examples > 0);
}
