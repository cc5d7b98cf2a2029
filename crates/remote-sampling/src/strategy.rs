//! A strategy: how much the client of one service samples.

use spandrel_model::TenantId;
use spandrel_proto::jaeger::{
    OperationSamplingStrategy, PerOperationSamplingStrategies, ProbabilisticSamplingStrategy,
    RateLimitingSamplingStrategy, SamplingStrategyResponse, SamplingStrategyType,
};

/// What a client is told.
#[derive(Debug, Clone, PartialEq)]
pub enum Strategy {
    /// This share of traces, between 0 and 1; operations may have shares of their own.
    Probabilistic {
        /// The share.
        probability: f64,
        /// Those of operations.
        operations: Option<OperationStrategies>,
    },
    /// At most so many traces a second.
    RateLimiting {
        /// Whole numbers only, as the protocol has it.
        traces_per_second: i32,
        /// Those of operations.
        operations: Option<OperationStrategies>,
    },
}

/// Shares of operations.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OperationStrategies {
    /// The share of operations that are not listed.
    pub default_probability: f64,
    /// At least so many traces a second are sampled of each operation.
    pub traces_per_second_min: f64,
    /// Operations and their shares.
    pub probabilities: Vec<(String, f64)>,
}

/// Who knows the strategies.
pub trait StrategySource: Send + Sync {
    /// The strategy of a tenant's service; of a service that is not known, the default one.
    fn strategy(&self, tenant: &TenantId, service: &str) -> Strategy;
}

impl Strategy {
    /// The same share of everything.
    pub fn probabilistic(probability: f64) -> Self {
        Self::Probabilistic { probability, operations: None }
    }

    /// As the protocol has it.
    pub(crate) fn to_proto(&self) -> SamplingStrategyResponse {
        let (kind, probabilistic, rate, operations) = match self {
            Self::Probabilistic { probability, operations } => {
                let share = ProbabilisticSamplingStrategy { sampling_rate: *probability };
                (SamplingStrategyType::Probabilistic, Some(share), None, operations)
            }
            Self::RateLimiting { traces_per_second, operations } => {
                let rate =
                    RateLimitingSamplingStrategy { max_traces_per_second: *traces_per_second };
                (SamplingStrategyType::RateLimiting, None, Some(rate), operations)
            }
        };
        SamplingStrategyResponse {
            strategy_type: kind as i32,
            probabilistic_sampling: probabilistic,
            rate_limiting_sampling: rate,
            operation_sampling: operations.as_ref().map(OperationStrategies::to_proto),
        }
    }
}

impl OperationStrategies {
    fn to_proto(&self) -> PerOperationSamplingStrategies {
        let operations = self.probabilities.iter();
        PerOperationSamplingStrategies {
            default_sampling_probability: self.default_probability,
            default_lower_bound_traces_per_second: self.traces_per_second_min,
            per_operation_strategies: operations
                .map(|(operation, share)| OperationSamplingStrategy {
                    operation: operation.clone(),
                    probabilistic_sampling: Some(ProbabilisticSamplingStrategy {
                        sampling_rate: *share,
                    }),
                })
                .collect(),
            default_upper_bound_traces_per_second: 0.0,
        }
    }
}
