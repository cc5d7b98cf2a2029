//! Policies over populations of traces: what the documentation promises in numbers.

mod documentation;
mod population;
mod unbiased;
