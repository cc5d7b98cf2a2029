//! What is allowed in a policy and yet surely not meant.

use std::fmt;

use crate::covers::{covers, never_passes};
use crate::{Policy, Rule};

/// A rule that makes no difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// Line of the rule in the file, counted from 1.
    pub line: u64,
    /// The list that the rule is in.
    pub list: String,
    /// The rule's name.
    pub rule: String,
    /// Why.
    pub reason: NoEffect,
}

/// Why a rule makes no difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoEffect {
    /// No span can match.
    NeverMatches,
    /// Another rule keeps the same traces as long, and at least as many of them.
    CoveredBy(String),
    /// Traces of that age are all kept anyway.
    WithinDecisionWait,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}: rule `{}` has no effect: ", self.line, self.list, self.rule)?;
        match &self.reason {
            NoEffect::NeverMatches => f.write_str("its filter never matches"),
            NoEffect::CoveredBy(rule) => {
                write!(f, "rule `{rule}` keeps the same traces at least as long")
            }
            NoEffect::WithinDecisionWait => {
                f.write_str("everything younger than decision_wait is kept anyway")
            }
        }
    }
}

/// Why rules of a policy make no difference, by their place.
pub(crate) fn without_effect(policy: &Policy) -> Vec<(usize, NoEffect)> {
    let rules = policy.rules();
    let reason = |i: usize, rule: &Rule| {
        if never_passes(&rule.filter) {
            return Some(NoEffect::NeverMatches);
        }
        if rule.keep_nanos <= policy.decision_wait_nanos() {
            return Some(NoEffect::WithinDecisionWait);
        }
        // Of two rules that say the same the first one counts.
        let others = rules.iter().enumerate().filter(|(j, _)| *j != i);
        let mut covering =
            others.filter(|(j, other)| covers(other, rule) && (*j < i || !covers(rule, other)));
        covering.next().map(|(_, other)| NoEffect::CoveredBy(other.name.clone()))
    };
    let rules = rules.iter().enumerate();
    rules.filter_map(|(i, rule)| Some((i, reason(i, rule)?))).collect()
}
