//! The shop's services: what each is written in, how it is spoken to, how many instances it has.

/// One of the shop's services.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are the documentation")]
pub enum Service {
    Web,
    Gateway,
    Auth,
    Users,
    Cart,
    Catalog,
    Search,
    Recommendation,
    Pricing,
    Promotions,
    Checkout,
    Payment,
    Fraud,
    Inventory,
    Shipping,
    Email,
    Notification,
    OrderProcessor,
    Analytics,
    Currency,
    Review,
    Scheduler,
}

/// What a service is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are the documentation")]
pub enum Language {
    Cpp,
    DotNet,
    Go,
    Java,
    NodeJs,
    Php,
    Python,
    Ruby,
    Rust,
}

/// The kind of instrumentation that made a span; with the language it decides the scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Library {
    /// The service's own code.
    Application,
    /// HTTP servers and clients.
    Http,
    /// gRPC servers and clients.
    Grpc,
    /// Database drivers.
    Database,
    /// The cache client.
    Cache,
    /// Queue producers and consumers.
    Messaging,
}

/// The fixed facts of a service.
pub(crate) struct Profile {
    pub(crate) service: Service,
    pub(crate) name: &'static str,
    pub(crate) namespace: &'static str,
    pub(crate) language: Language,
    pub(crate) version: &'static str,
    pub(crate) port: u16,
    pub(crate) instances: u8,
}

const fn profile(
    service: Service,
    (name, namespace): (&'static str, &'static str),
    language: Language,
    version: &'static str,
    (port, instances): (u16, u8),
) -> Profile {
    Profile { service, name, namespace, language, version, port, instances }
}

/// Every service, in the order of [`Service`]'s variants.
#[rustfmt::skip]
pub(crate) const PROFILES: [Profile; 22] = [
    profile(Service::Web, ("web", "storefront"), Language::NodeJs, "8.14.2", (3000, 4)),
    profile(Service::Gateway, ("api-gateway", "edge"), Language::Go, "3.9.0", (8080, 4)),
    profile(Service::Auth, ("auth", "identity"), Language::Java, "2.31.4", (8080, 3)),
    profile(Service::Users, ("user-profile", "identity"), Language::DotNet, "1.18.0", (8080, 2)),
    profile(Service::Cart, ("cart", "purchase"), Language::DotNet, "4.2.7", (7070, 3)),
    profile(Service::Catalog, ("catalog", "discovery"), Language::Go, "5.0.3", (3550, 4)),
    profile(Service::Search, ("search", "discovery"), Language::Java, "2.8.1", (9100, 3)),
    profile(Service::Recommendation, ("recommendation", "discovery"), Language::Python, "0.47.0", (8000, 3)),
    profile(Service::Pricing, ("pricing", "discovery"), Language::Rust, "1.6.2", (50051, 3)),
    profile(Service::Promotions, ("promotions", "discovery"), Language::NodeJs, "3.3.0", (3000, 2)),
    profile(Service::Checkout, ("checkout", "purchase"), Language::Go, "6.11.0", (5050, 3)),
    profile(Service::Payment, ("payment", "purchase"), Language::Java, "7.2.5", (50051, 3)),
    profile(Service::Fraud, ("fraud-detection", "purchase"), Language::Python, "1.9.3", (8000, 2)),
    profile(Service::Inventory, ("inventory", "fulfilment"), Language::Java, "3.14.0", (50051, 3)),
    profile(Service::Shipping, ("shipping", "fulfilment"), Language::Rust, "2.0.9", (50051, 2)),
    profile(Service::Email, ("email", "messaging"), Language::Ruby, "1.4.11", (6060, 2)),
    profile(Service::Notification, ("notification-worker", "messaging"), Language::NodeJs, "2.5.1", (3000, 2)),
    profile(Service::OrderProcessor, ("order-processor", "fulfilment"), Language::Java, "4.7.2", (8080, 3)),
    profile(Service::Analytics, ("analytics-consumer", "insight"), Language::Python, "0.22.6", (8000, 2)),
    profile(Service::Currency, ("currency", "discovery"), Language::Cpp, "1.1.0", (7001, 2)),
    profile(Service::Review, ("review", "discovery"), Language::Php, "2.2.8", (8080, 2)),
    profile(Service::Scheduler, ("batch-scheduler", "insight"), Language::Python, "1.0.14", (8000, 2)),
];

impl Library {
    /// Every library, in the order of the variants.
    pub(crate) const ALL: [Self; 6] =
        [Self::Application, Self::Http, Self::Grpc, Self::Database, Self::Cache, Self::Messaging];
}

impl Service {
    pub(crate) fn profile(self) -> &'static Profile {
        &PROFILES[self as usize]
    }

    /// The value of `service.name`.
    pub fn name(self) -> &'static str {
        self.profile().name
    }

    /// What the service is written in.
    pub fn language(self) -> Language {
        self.profile().language
    }
}

impl Language {
    /// `telemetry.sdk.language` and `telemetry.sdk.version`.
    pub(crate) fn sdk(self) -> (&'static str, &'static str) {
        match self {
            Self::Cpp => ("cpp", "1.24.0"),
            Self::DotNet => ("dotnet", "1.14.0"),
            Self::Go => ("go", "1.41.0"),
            Self::Java => ("java", "1.58.0"),
            Self::NodeJs => ("nodejs", "2.5.0"),
            Self::Php => ("php", "1.10.0"),
            Self::Python => ("python", "1.40.0"),
            Self::Ruby => ("ruby", "1.10.0"),
            Self::Rust => ("rust", "0.31.0"),
        }
    }

    /// `process.runtime.name` and `process.runtime.version`.
    pub(crate) fn runtime(self) -> (&'static str, &'static str) {
        match self {
            Self::Cpp => ("libstdc++", "15.2.0"),
            Self::DotNet => (".NET", "10.0.1"),
            Self::Go => ("go", "go1.25.5"),
            Self::Java => ("OpenJDK Runtime Environment", "25.0.1+8-LTS"),
            Self::NodeJs => ("nodejs", "24.11.1"),
            Self::Php => ("php", "8.4.15"),
            Self::Python => ("cpython", "3.13.9"),
            Self::Ruby => ("ruby", "3.4.7"),
            Self::Rust => ("rustc", "1.91.1"),
        }
    }

    /// Whether a garbage collector may stop it for long.
    pub(crate) fn pauses(self) -> bool {
        matches!(self, Self::Java | Self::DotNet | Self::NodeJs)
    }

    /// Name and version of the instrumentation scope for a kind of library.
    pub(crate) fn scope(self, library: Library) -> (&'static str, &'static str) {
        let slot = library as usize;
        match self {
            Self::Cpp => (
                [APPLICATION, "http_cpp", "grpc_cpp", "pqxx", "hiredis", "rdkafka"][slot],
                "1.24.0",
            ),
            Self::DotNet => (DOTNET_SCOPES[slot], "1.14.0"),
            Self::Go => (GO_SCOPES[slot], "0.66.0"),
            Self::Java => (JAVA_SCOPES[slot], "2.24.0-alpha"),
            Self::NodeJs => (NODE_SCOPES[slot], "0.211.0"),
            Self::Php => (PHP_SCOPES[slot], "1.2.1"),
            Self::Python => (PYTHON_SCOPES[slot], "0.61b0"),
            Self::Ruby => (RUBY_SCOPES[slot], "0.26.0"),
            Self::Rust => (
                [
                    APPLICATION,
                    "reqwest-otel",
                    "tonic-otel",
                    "sqlx-otel",
                    "redis-otel",
                    "rdkafka-otel",
                ][slot],
                "0.31.0",
            ),
        }
    }
}

const APPLICATION: &str = "spandrelshop";

const DOTNET_SCOPES: [&str; 6] = [
    "SpandrelShop",
    "Microsoft.AspNetCore",
    "OpenTelemetry.Instrumentation.GrpcNetClient",
    "Npgsql",
    "OpenTelemetry.Instrumentation.StackExchangeRedis",
    "Confluent.Kafka",
];
const GO_SCOPES: [&str; 6] = [
    "shop/internal",
    "go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp",
    "go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc",
    "github.com/exaring/otelpgx",
    "github.com/redis/go-redis/extra/redisotel",
    "github.com/twmb/franz-go/plugin/kotel",
];
const JAVA_SCOPES: [&str; 6] = [
    "com.spandrelshop",
    "io.opentelemetry.tomcat-10.0",
    "io.opentelemetry.grpc-1.6",
    "io.opentelemetry.jdbc",
    "io.opentelemetry.lettuce-5.1",
    "io.opentelemetry.kafka-clients-2.6",
];
const NODE_SCOPES: [&str; 6] = [
    "spandrelshop-web",
    "@opentelemetry/instrumentation-http",
    "@opentelemetry/instrumentation-grpc",
    "@opentelemetry/instrumentation-pg",
    "@opentelemetry/instrumentation-ioredis",
    "@opentelemetry/instrumentation-kafkajs",
];
const PHP_SCOPES: [&str; 6] = [
    APPLICATION,
    "io.opentelemetry.contrib.php.symfony",
    "io.opentelemetry.contrib.php.grpc",
    "io.opentelemetry.contrib.php.mongodb",
    "io.opentelemetry.contrib.php.predis",
    "io.opentelemetry.contrib.php.rdkafka",
];
const PYTHON_SCOPES: [&str; 6] = [
    APPLICATION,
    "opentelemetry.instrumentation.fastapi",
    "opentelemetry.instrumentation.grpc",
    "opentelemetry.instrumentation.sqlalchemy",
    "opentelemetry.instrumentation.redis",
    "opentelemetry.instrumentation.confluent_kafka",
];
const RUBY_SCOPES: [&str; 6] = [
    APPLICATION,
    "OpenTelemetry::Instrumentation::Rack",
    "OpenTelemetry::Instrumentation::Grpc",
    "OpenTelemetry::Instrumentation::PG",
    "OpenTelemetry::Instrumentation::Redis",
    "OpenTelemetry::Instrumentation::Rdkafka",
];
