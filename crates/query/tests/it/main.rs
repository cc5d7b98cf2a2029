//! The engine over a real store: its answers are those of a naive evaluation, wherever the spans lie.

#![expect(clippy::unwrap_used, reason = "data that is not as expected fails the test")]
#![expect(clippy::print_stderr, reason = "the counts are for whoever runs the suites")]

mod cases;
mod data;
mod failures;
mod filters;
mod inspected;
mod metrics;
mod metrics_cases;
mod naive;
mod naive_aggregate;
mod naive_metrics;
mod naive_pipeline;
mod naive_services;
mod naive_tree;
mod oversized;
mod paging;
mod place;
mod property;
mod queries;
mod ranges;
mod rounds;
mod services;
mod suite_evaluate;
mod suites;
