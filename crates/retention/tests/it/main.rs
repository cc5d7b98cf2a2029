//! Policies over populations of traces: what the documentation promises in numbers.

mod population;
mod unbiased;
