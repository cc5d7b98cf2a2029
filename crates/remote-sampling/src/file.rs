//! Strategies that an operator writes down, in Jaeger's format.
//!
//! ```json
//! {"default_strategy": {"type": "probabilistic", "param": 0.5, "operation_strategies": []},
//!  "service_strategies": [{"service": "shop", "type": "ratelimiting", "param": 5}]}
//! ```
//!
//! Operations of the default strategy hold for every service that does not list them itself. The file is the operator's
//! and holds for every tenant.

use std::collections::BTreeMap;

use serde::Deserialize;
use spandrel_model::TenantId;

use crate::RemoteSamplingError;
use crate::strategy::{OperationStrategies, Strategy, StrategySource};

/// The share of operations that are not listed where the service is limited by rate.
const PROBABILITY_BESIDE_RATE: f64 = 0.001;

/// Strategies by service.
#[derive(Debug, Clone, PartialEq)]
pub struct Strategies {
    default: Strategy,
    services: BTreeMap<String, Strategy>,
}

#[derive(Debug, Deserialize)]
struct Written {
    #[serde(default)]
    default_strategy: Option<WrittenStrategy>,
    #[serde(default)]
    service_strategies: Option<Vec<WrittenStrategy>>,
}

#[derive(Debug, Deserialize)]
struct WrittenStrategy {
    #[serde(default)]
    service: String,
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    param: f64,
    #[serde(default)]
    operation_strategies: Option<Vec<WrittenOperation>>,
}

#[derive(Debug, Deserialize)]
struct WrittenOperation {
    operation: String,
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    param: f64,
}

impl Strategies {
    /// This share of everything.
    pub fn probabilistic(probability: f64) -> Self {
        Self { default: Strategy::probabilistic(probability), services: BTreeMap::new() }
    }

    /// Reads a file; `probability` is that of services for which the file has nothing.
    ///
    /// # Errors
    /// [`RemoteSamplingError`] when it is not of the format.
    pub fn parse(json: &[u8], probability: f64) -> Result<Self, RemoteSamplingError> {
        // `null` is a file without strategies.
        let written: Option<Written> = serde_json::from_slice(json)?;
        let Some(written) = written else { return Ok(Self::probabilistic(probability)) };
        let default = match &written.default_strategy {
            Some(written) => written.strategy("the default strategy", &[])?,
            None => Strategy::probabilistic(probability),
        };
        let inherited = match &default {
            Strategy::Probabilistic { operations, .. }
            | Strategy::RateLimiting { operations, .. } => {
                operations.as_ref().map_or(&[][..], |operations| &operations.probabilities)
            }
        };
        let mut services = BTreeMap::new();
        for written in written.service_strategies.iter().flatten() {
            let what = format!("service {:?}", written.service);
            services.insert(written.service.clone(), written.strategy(&what, inherited)?);
        }
        Ok(Self { default, services })
    }
}

impl StrategySource for Strategies {
    fn strategy(&self, _: &TenantId, service: &str) -> Strategy {
        self.services.get(service).unwrap_or(&self.default).clone()
    }
}

impl WrittenStrategy {
    fn strategy(
        &self,
        what: &str,
        inherited: &[(String, f64)],
    ) -> Result<Strategy, RemoteSamplingError> {
        let wrong = |why: String| RemoteSamplingError::Strategy(format!("{what}: {why}"));
        match self.kind.as_str() {
            "probabilistic" => {
                let probability = share(self.param, what)?;
                let operations = self.operations(what, probability, inherited)?;
                Ok(Strategy::Probabilistic { probability, operations })
            }
            "ratelimiting" => {
                if !(0.0..=f64::from(i32::MAX)).contains(&self.param) {
                    return Err(wrong(format!("{} is no number of traces a second", self.param)));
                }
                let operations = self.operations(what, PROBABILITY_BESIDE_RATE, inherited)?;
                // The protocol has whole numbers, as Jaeger cuts them.
                Ok(Strategy::RateLimiting { traces_per_second: self.param as i32, operations })
            }
            kind => Err(wrong(format!(
                "its type is {kind:?}, where `probabilistic` or `ratelimiting` is possible"
            ))),
        }
    }

    fn operations(
        &self,
        what: &str,
        default_probability: f64,
        inherited: &[(String, f64)],
    ) -> Result<Option<OperationStrategies>, RemoteSamplingError> {
        let mut probabilities = Vec::new();
        for written in self.operation_strategies.iter().flatten() {
            // Jaeger's protocol has shares of operations only.
            if written.kind != "probabilistic" {
                tracing::warn!(
                    operation = written.operation,
                    "a strategy of an operation is left out, only probabilistic ones are possible"
                );
                continue;
            }
            let what = format!("{what}, operation {:?}", written.operation);
            probabilities.push((written.operation.clone(), share(written.param, &what)?));
        }
        for (operation, share) in inherited {
            if !probabilities.iter().any(|(known, _)| known == operation) {
                probabilities.push((operation.clone(), *share));
            }
        }
        let strategies =
            OperationStrategies { default_probability, traces_per_second_min: 0.0, probabilities };
        Ok(Some(strategies).filter(|strategies| !strategies.probabilities.is_empty()))
    }
}

fn share(param: f64, what: &str) -> Result<f64, RemoteSamplingError> {
    match (0.0..=1.0).contains(&param) {
        true => Ok(param),
        false => Err(RemoteSamplingError::Strategy(format!(
            "{what}: {param} is no probability, which is between 0 and 1"
        ))),
    }
}
