//! Strategies in JSON as Jaeger writes them: zeros are written, what is not there is not.

use serde_json::{Number, Value, json};

use crate::strategy::{OperationStrategies, Strategy};

/// How the kind of a strategy is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KindForm {
    /// By its name.
    Name,
    /// By its number, for clients older than 2017, which ask at the path `/`.
    Number,
}

/// The answer for a client.
pub(crate) fn strategy(strategy: &Strategy, form: KindForm) -> String {
    let (number, name, mut fields, operations) = match strategy {
        Strategy::Probabilistic { probability, operations } => {
            let share =
                format!(r#""probabilisticSampling":{{"samplingRate":{}}}"#, float(*probability));
            (0, "PROBABILISTIC", share, operations)
        }
        Strategy::RateLimiting { traces_per_second, operations } => {
            let rate =
                format!(r#""rateLimitingSampling":{{"maxTracesPerSecond":{traces_per_second}}}"#);
            (1, "RATE_LIMITING", rate, operations)
        }
    };
    let kind = match form {
        KindForm::Name => json!(name),
        KindForm::Number => json!(number),
    };
    if let Some(operations) = operations {
        fields = format!(r#"{fields},"operationSampling":{}"#, per_operation(operations));
    }
    format!(r#"{{"strategyType":{kind},{fields}}}"#)
}

fn per_operation(operations: &OperationStrategies) -> String {
    let each = operations.probabilities.iter().map(|(operation, share)| {
        format!(
            r#"{{"operation":{},"probabilisticSampling":{{"samplingRate":{}}}}}"#,
            Value::String(operation.clone()),
            float(*share)
        )
    });
    format!(
        r#"{{"defaultSamplingProbability":{},"defaultLowerBoundTracesPerSecond":{},"perOperationStrategies":[{}],"defaultUpperBoundTracesPerSecond":0}}"#,
        float(operations.default_probability),
        float(operations.traces_per_second_min),
        each.collect::<Vec<_>>().join(",")
    )
}

/// Whole numbers without a point, as Go writes them; all numbers here are finite and not large.
fn float(number: f64) -> String {
    if number.fract() == 0.0 {
        return format!("{number:.0}");
    }
    Number::from_f64(number).map_or_else(|| "0".to_owned(), |number| number.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shapes_that_clients_know() {
        let share = |share| strategy(&Strategy::probabilistic(share), KindForm::Name);
        assert_eq!(
            share(0.1),
            r#"{"strategyType":"PROBABILISTIC","probabilisticSampling":{"samplingRate":0.1}}"#
        );
        assert_eq!(
            share(0.0),
            r#"{"strategyType":"PROBABILISTIC","probabilisticSampling":{"samplingRate":0}}"#
        );
        let limited = Strategy::RateLimiting { traces_per_second: 5, operations: None };
        assert_eq!(
            strategy(&limited, KindForm::Name),
            r#"{"strategyType":"RATE_LIMITING","rateLimitingSampling":{"maxTracesPerSecond":5}}"#
        );
        assert_eq!(
            strategy(&limited, KindForm::Number),
            r#"{"strategyType":1,"rateLimitingSampling":{"maxTracesPerSecond":5}}"#
        );
        let operations = OperationStrategies {
            default_probability: 0.5,
            traces_per_second_min: 0.0,
            probabilities: vec![("GET \"/\"".to_owned(), 1.0), ("/health".to_owned(), 0.0)],
        };
        let strategy = strategy(
            &Strategy::Probabilistic { probability: 0.5, operations: Some(operations) },
            KindForm::Name,
        );
        assert_eq!(
            strategy,
            concat!(
                r#"{"strategyType":"PROBABILISTIC","probabilisticSampling":{"samplingRate":0.5},"#,
                r#""operationSampling":{"defaultSamplingProbability":0.5,"#,
                r#""defaultLowerBoundTracesPerSecond":0,"perOperationStrategies":["#,
                r#"{"operation":"GET \"/\"","probabilisticSampling":{"samplingRate":1}},"#,
                r#"{"operation":"/health","probabilisticSampling":{"samplingRate":0}}],"#,
                r#""defaultUpperBoundTracesPerSecond":0}}"#
            )
        );
        serde_json::from_str::<Value>(&strategy).unwrap();
    }
}
