//! The promises hold for a number of seeds, and the simulation notices when they do not.

#![expect(clippy::unwrap_used, reason = "data that is not as expected fails the test")]

mod promises;
mod sabotages;
mod smoke;
