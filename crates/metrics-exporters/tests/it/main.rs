//! The exporters of metrics from outside.

mod fixtures;
mod pages;
mod series;
mod settings;
