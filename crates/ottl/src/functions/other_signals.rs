//! Functions that are known, but not run: those of logs, metrics and profiles, and those that nobody asked
//! for on traces yet.

/// Their names.
pub(crate) const OTHER_SIGNALS: [&str; 16] = [
    "HasAttrOnDatapoint",
    "HasAttrKeyOnDatapoint",
    "aggregate_on_attribute_value",
    "aggregate_on_attributes",
    "convert_exponential_histogram_to_histogram",
    "convert_gauge_to_sum",
    "convert_sum_to_gauge",
    "convert_summary_count_val_to_sum",
    "convert_summary_quantile_val_to_gauge",
    "convert_summary_sum_val_to_sum",
    "copy_metric",
    "extract_count_metric",
    "extract_percentile_metric",
    "extract_sum_metric",
    "merge_histogram_buckets",
    "scale_metric",
];
