//! Probabilities that follow the rate, in steps of one interval.

use spandrel_model::TenantId;
use spandrel_remote_sampling::{Adaptive, AdaptiveOptions, SampledRoot, Strategy, StrategySource};

const INITIAL: f64 = 0.001;

fn adaptive(operations_max: usize) -> Adaptive {
    let tenant_operations = 0;
    Adaptive::new(AdaptiveOptions {
        operations_max,
        tenant_operations,
        ..AdaptiveOptions::default()
    })
}

fn of_tenant(adaptive: &Adaptive, tenant: &TenantId, operation: &str) -> Option<f64> {
    let strategy = adaptive.strategy(tenant, "shop");
    let Strategy::Probabilistic { operations: Some(operations), .. } = strategy else {
        panic!("computed strategies are by operation");
    };
    let found = operations.probabilities.iter().find(|(name, _)| name == operation);
    found.map(|(_, share)| *share)
}

fn probability(adaptive: &Adaptive, operation: &str) -> Option<f64> {
    of_tenant(adaptive, &TenantId::single(), operation)
}

/// A root span of the shop.
fn record(
    adaptive: &Adaptive,
    tenant: &TenantId,
    operation: &str,
    by_chance: bool,
    probability: f64,
) {
    adaptive.record(tenant, SampledRoot { service: "shop", operation, by_chance, probability });
}

/// An interval in which so many spans come, sampled with this probability.
fn interval(adaptive: &Adaptive, n_spans: usize, sampled_with: f64) -> f64 {
    for _ in 0..n_spans {
        record(adaptive, &TenantId::single(), "GET", true, sampled_with);
    }
    adaptive.calculate();
    probability(adaptive, "GET").unwrap()
}

fn is_near(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-9
}

#[test]
fn an_unknown_service_has_the_initial_probability_and_a_lower_bound() {
    let Strategy::Probabilistic { probability, operations } =
        adaptive(10).strategy(&TenantId::single(), "new")
    else {
        panic!("computed strategies are probabilistic");
    };
    let operations = operations.unwrap();
    assert_eq!((probability, operations.default_probability), (INITIAL, INITIAL));
    assert_eq!(operations.traces_per_second_min, 1.0 / 60.0);
    assert_eq!(operations.probabilities, []);
}

#[test]
fn too_many_samples_lower_it_at_once_and_too_few_raise_it_by_half() {
    let adaptive = adaptive(10);
    // 240 a minute where 60 are wanted.
    let lower = interval(&adaptive, 240, INITIAL);
    assert!(is_near(lower, INITIAL / 4.0), "{lower}");
    // 6 a minute: ten times as many would be right, but it grows by half.
    let higher = interval(&adaptive, 6, lower);
    assert!(is_near(higher, lower * 1.5), "{higher}");
    // Near enough to the target.
    let same = interval(&adaptive, 70, higher);
    assert!(is_near(same, higher), "{same}");
}

#[test]
fn it_doubles_when_nothing_comes_by_chance_and_stays_in_bounds() {
    let adaptive = adaptive(10);
    let mut expected = INITIAL;
    for _ in 0..12 {
        record(&adaptive, &TenantId::single(), "GET", false, expected);
        adaptive.calculate();
        expected = (expected * 2.0).min(1.0);
        let now = probability(&adaptive, "GET").unwrap();
        assert!(is_near(now, expected), "{now} {expected}");
    }
    let floor = interval(&adaptive, 100_000_000 / 1_000, 1.0);
    assert!(floor < 1e-3, "{floor}");
}

#[test]
fn a_client_that_does_not_follow_is_left_alone() {
    let adaptive = adaptive(10);
    let first = interval(&adaptive, 600, INITIAL);
    let ignored = interval(&adaptive, 6_000, 0.9);
    assert!(is_near(first, ignored), "{first} {ignored}");
}

#[test]
fn operations_are_bounded_and_forgotten() {
    let adaptive = adaptive(2);
    for operation in ["a", "b", "c"] {
        record(&adaptive, &TenantId::single(), operation, true, INITIAL);
    }
    adaptive.calculate();
    let known = ["a", "b", "c"].map(|operation| probability(&adaptive, operation).is_some());
    assert_eq!(known, [true, true, false]);
    for _ in 0..10 {
        adaptive.calculate();
    }
    assert_eq!(probability(&adaptive, "a"), None);
}

#[test]
fn tenants_do_not_change_each_others() {
    let adaptive = Adaptive::new(AdaptiveOptions {
        operations_max: 2,
        tenant_operations: 1,
        tenants_max: 3,
        ..AdaptiveOptions::default()
    });
    let [a, b, c, d] = ["a", "b", "c", "d"].map(|name| TenantId::new(name).unwrap());
    // The same service and operation, as often as is wanted and four times as often.
    for _ in 0..60 {
        record(&adaptive, &a, "GET", true, INITIAL);
        (0..4).for_each(|_| record(&adaptive, &b, "GET", true, INITIAL));
    }
    // There is no room any more, but for a tenant that has none yet, if there are not too many tenants.
    for operation in ["GET", "PUT"] {
        for tenant in [&b, &c, &d] {
            record(&adaptive, tenant, operation, true, INITIAL);
        }
    }
    adaptive.calculate();
    let of = |tenant: &TenantId, operation: &str| of_tenant(&adaptive, tenant, operation);
    assert_eq!(of(&a, "GET"), Some(INITIAL));
    let fewer = of(&b, "GET").unwrap();
    assert!((INITIAL / 4.1..INITIAL / 3.9).contains(&fewer), "{fewer}");
    assert_eq!((of(&c, "GET").is_some(), of(&d, "GET")), (true, None));
    assert_eq!([&a, &b, &c].map(|tenant| of(tenant, "PUT")), [None; 3]);
    // Who comes no more makes room for others.
    for _ in 0..10 {
        adaptive.calculate();
    }
    record(&adaptive, &d, "GET", true, INITIAL);
    adaptive.calculate();
    assert!(of_tenant(&adaptive, &d, "GET").is_some());
}

#[test]
fn a_file_from_before_there_were_tenants_is_the_single_ones() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sampling.json");
    std::fs::write(&path, r#"{"version":1,"services":[["shop",[["GET",0.5]]]]}"#).unwrap();
    let adaptive = adaptive(10);
    adaptive.load(&path).unwrap();
    assert_eq!(probability(&adaptive, "GET"), Some(0.5));
    adaptive.save(&path).unwrap();
    let saved = std::fs::read_to_string(&path).unwrap();
    let expected = r#"{"version":2,"tenants":[["single-tenant",[["shop",[["GET",0.5]]]]]]}"#;
    assert_eq!(saved, expected);
    std::fs::write(&path, r#"{"version":3}"#).unwrap();
    let error = adaptive.load(&path).unwrap_err().to_string();
    assert!(error.ends_with("version 3 is not known"), "{error}");
}

#[test]
fn a_restart_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sampling.json");
    let before = adaptive(10);
    before.load(&path).unwrap();
    let first = interval(&before, 600, INITIAL);
    before.save(&path).unwrap();
    let after = adaptive(10);
    after.load(&path).unwrap();
    assert_eq!(
        after.strategy(&TenantId::single(), "shop"),
        before.strategy(&TenantId::single(), "shop")
    );
    // Its client still uses what was computed before.
    let next = interval(&after, 6, first);
    assert!(is_near(next, first * 1.5), "{next}");
    std::fs::write(&path, "{").unwrap();
    adaptive(10).load(&path).unwrap_err();
}
