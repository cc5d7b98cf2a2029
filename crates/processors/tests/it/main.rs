//! Component configurations of the conformance data.
