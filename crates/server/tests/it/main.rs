//! A whole server in this process: spans in through gRPC, out through the query APIs.

mod client;
mod fixture;
mod life_cycle;
mod overrides;
mod refusal;
mod status;
