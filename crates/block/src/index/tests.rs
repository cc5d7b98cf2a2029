//! Tests of the whole index: round trips of random contents, damage, the golden file.

mod damage;
mod golden;
mod round_trip;
mod sample;
