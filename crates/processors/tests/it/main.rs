//! Component configurations of the conformance data, read as the Collector reads them.

mod suites;
