//! What services call that has no spans of its own: databases, the cache, the payment provider.

use spandrel_proto::otlp::trace::span::SpanKind;

use crate::attribute::attribute;
use crate::failure::{DEADLOCK, Failure, Outcome, POOL_EXHAUSTED};
use crate::journey::Journey;
use crate::service::Library;

/// Shards of the order database; users are spread by number.
const ORDER_SHARDS: u64 = 8;
/// The shard with the failing disk.
const SLOW_SHARD: u64 = 3;

/// A database the shop runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Database {
    Catalog,
    Users,
    Orders,
    Inventory,
    Reviews,
    SearchIndex,
    Warehouse,
}

/// `db.system.name`, `db.namespace`, address, port, median latency in microseconds.
type DatabaseFacts = (&'static str, &'static str, &'static str, u16, f64);

impl Database {
    fn facts(self) -> DatabaseFacts {
        match self {
            Self::Catalog => ("postgresql", "shop_catalog", "catalog-db.internal", 5432, 900.0),
            Self::Users => ("mysql", "shop_users", "users-db.internal", 3306, 1_100.0),
            Self::Orders => ("postgresql", "shop_orders", "orders-db.internal", 5432, 1_800.0),
            Self::Inventory => {
                ("postgresql", "shop_inventory", "inventory-db.internal", 5432, 1_300.0)
            }
            Self::Reviews => ("mongodb", "reviews", "reviews-mongo.internal", 27017, 2_100.0),
            Self::SearchIndex => {
                ("elasticsearch", "products", "search-es.internal", 9200, 14_000.0)
            }
            Self::Warehouse => ("clickhouse", "events", "warehouse.internal", 8123, 9_000.0),
        }
    }
}

/// A statement as its service always sends it, parameters left out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Statement {
    pub(crate) database: Database,
    pub(crate) operation: &'static str,
    pub(crate) collection: &'static str,
    pub(crate) text: &'static str,
}

impl Journey<'_> {
    /// Runs a statement; `rows` is what it returns or changes.
    pub(crate) fn query(&mut self, statement: &Statement, rows: u64) -> Outcome {
        let (system, namespace, address, port, median) = statement.database.facts();
        let summary = format!("{} {}", statement.operation, statement.collection);
        self.open(Library::Database, SpanKind::Client, summary.clone());
        self.set("db.system.name", system);
        self.set("db.collection.name", statement.collection);
        self.set("db.operation.name", statement.operation);
        self.set("db.query.text", statement.text);
        self.set("db.query.summary", summary);
        self.set("server.port", port);
        let mut latency = median;
        if statement.database == Database::Orders {
            let shard = self.shopper.number % ORDER_SHARDS;
            self.set("db.namespace", format!("{namespace}_{shard}"));
            self.set("server.address", format!("shard-{shard}.{address}"));
            self.set("app.db.shard", shard);
            if shard == SLOW_SHARD && self.conditions.slow_shard {
                latency *= 60.0;
            }
        } else {
            self.set("db.namespace", namespace);
            self.set("server.address", address);
        }
        self.spend(latency + rows as f64 * 8.0, 0.7);
        let outcome = self.database_accident(statement);
        match outcome {
            Ok(()) => self.set("db.response.returned_rows", rows),
            Err(failure) => self.fail_client(failure, failure.name),
        }
        self.close();
        outcome
    }

    /// Rarely a statement fails: writes by deadlock, anything by an exhausted pool.
    fn database_accident(&mut self, statement: &Statement) -> Outcome {
        if statement.operation != "SELECT" && self.random.chance(0.0012) {
            self.spend(900_000.0, 0.2);
            return self.raise(DEADLOCK);
        }
        if self.random.chance(0.000_4) {
            self.spend(2_000_000.0, 0.01);
            return self.raise(POOL_EXHAUSTED);
        }
        Ok(())
    }

    /// Reads through the cache: on a miss `load` runs and its result is stored.
    pub(crate) fn cached(&mut self, key: &str, load: impl FnOnce(&mut Self) -> Outcome) -> Outcome {
        let hit = !self.conditions.cold_cache && self.random.chance(0.86);
        self.cache_command("GET", format!("GET {key}"), Some(hit));
        if hit {
            return Ok(());
        }
        load(self)?;
        self.cache_command("SET", format!("SET {key} ? EX 300"), None);
        Ok(())
    }

    /// One command to the cache; `hit` for reads.
    pub(crate) fn cache_command(&mut self, name: &'static str, text: String, hit: Option<bool>) {
        self.open(Library::Cache, SpanKind::Client, name);
        self.set("db.system.name", "redis");
        self.set("db.namespace", "0");
        self.set("db.operation.name", name);
        self.set("db.query.text", text);
        self.set("server.address", "cache.internal");
        self.set("server.port", 6379_u16);
        if let Some(hit) = hit {
            self.set("app.cache.hit", hit);
            if !hit {
                self.event(
                    "cache.miss",
                    vec![attribute("app.cache.cold", self.conditions.cold_cache)],
                );
            }
        }
        self.spend(240.0, 0.5);
        self.close();
    }

    /// A request to the payment provider, outside the shop: a CLIENT span without a SERVER.
    pub(crate) fn payment_provider(&mut self, attempt: u64, result: Outcome) -> Outcome {
        self.open(Library::Http, SpanKind::Client, "POST");
        self.set("http.request.method", "POST");
        self.set("url.full", "https://api.paywise.example/v3/charges");
        self.set("server.address", "api.paywise.example");
        self.set("server.port", 443_u16);
        self.set("network.protocol.version", "2");
        self.set("app.payment.provider", "paywise");
        if attempt > 0 {
            self.set("http.request.resend_count", attempt);
        }
        self.spend(if result.is_ok() { 130_000.0 } else { 420_000.0 }, 0.5);
        self.set("http.response.status_code", result.map_or_else(status, |()| 200));
        if let Err(failure) = result {
            self.fail_client(failure, &failure.http_status.to_string());
        }
        self.close();
        result
    }
}

fn status(failure: Failure) -> u16 {
    failure.http_status
}
