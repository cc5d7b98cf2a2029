//! The HTTP ports that queries are answered on: bound first, open when there is something to answer from.

use std::sync::Arc;

use axum::Router;
use spandrel_api::{ApiState, Dialect, jaeger_grpc_routes, router};
use spandrel_ingest::Store;
use spandrel_pipeline::TraceConsumer;
use spandrel_remote_sampling::RemoteSampling;
use spandrel_zipkin_api::{ZipkinState, zipkin_router};

use crate::gate::{Gate, Readiness};
use crate::generated::Generated;
use crate::listener::{BoundPort, HttpListeners};
use crate::server::Around;
use crate::status::OwnMetrics;
use crate::status_pages::{Running, StatusPages};
use crate::{ListenAddresses, ServerError, status};

/// The ports while they are served.
pub(crate) struct Front {
    pub(crate) listeners: HttpListeners,
    tempo: Gate,
    jaeger: Gate,
    jaeger_grpc: Option<BoundPort>,
    pages: StatusPages,
}

impl Front {
    /// Serves the ports; queries are answered with 503 until [`Front::open`].
    pub(crate) fn serve(
        ports: Ports,
        pages: StatusPages,
        readiness: &Readiness,
        generated: &Generated,
        around: &Around,
    ) -> Self {
        let (tempo, jaeger) = (Gate::default(), Gate::default());
        let listeners = HttpListeners::default();
        let own = OwnMetrics { metrics: around.metrics.clone(), memory: around.memory.clone() };
        let query_port = |gate: &Gate| {
            status::query_port(readiness.clone(), own.clone(), pages.clone(), gate.clone())
                .merge(generated.clone().routes())
        };
        listeners.serve(ports.http, query_port(&tempo));
        listeners.serve(ports.jaeger_http, query_port(&jaeger));
        if let Some(health) = ports.health {
            let clock = Arc::clone(&around.clock);
            listeners.serve(health, status::health_port(readiness.clone(), clock));
        }
        let telemetry = status::telemetry_port(own).merge(generated.clone().routes());
        listeners.serve(ports.telemetry, telemetry);
        Self { listeners, tempo, jaeger, jaeger_grpc: ports.jaeger_grpc, pages }
    }

    /// Answers queries from now on. Returns Zipkin's routes, which have a port of their own besides.
    pub(crate) fn open(
        &self,
        state: &ApiState,
        tenant_required: bool,
        store: &Arc<Store>,
        around: &Around,
    ) -> Router {
        let zipkin = ZipkinState {
            engine: Arc::clone(state.engine()),
            clock: Arc::clone(&around.clock),
            metrics: around.metrics.clone(),
            tenant_required,
        };
        self.pages.started(Running::of(state, &zipkin, store));
        let zipkin = zipkin_router(zipkin);
        for (gate, dialect) in [(&self.tempo, Dialect::Tempo), (&self.jaeger, Dialect::Jaeger)] {
            gate.open(router(state.clone(), dialect).nest("/zipkin", zipkin.clone()));
        }
        zipkin
    }

    /// Answers Jaeger's calls over gRPC, some of which bring spans; those for sampling strategies too, which have
    /// a port of their own besides.
    pub(crate) fn open_jaeger_grpc(
        &mut self,
        state: ApiState,
        consumer: &Arc<dyn TraceConsumer>,
        sampling: &RemoteSampling,
    ) {
        if let Some(port) = self.jaeger_grpc.take() {
            let routes = jaeger_grpc_routes(state, Arc::clone(consumer));
            self.listeners.serve(port, routes.merge(sampling.grpc_beside()));
        }
    }
}

/// The ports other than the receivers' own.
pub(crate) struct Ports {
    http: BoundPort,
    jaeger_http: BoundPort,
    jaeger_grpc: Option<BoundPort>,
    /// Only where no pipeline's configuration says where health is checked.
    health: Option<BoundPort>,
    telemetry: BoundPort,
}

impl Ports {
    pub(crate) async fn bind(
        listen: &ListenAddresses,
        with_health: bool,
    ) -> Result<Self, ServerError> {
        let health = match with_health {
            true => Some(BoundPort::bind("the health check", "health", listen.health).await?),
            false => None,
        };
        let jaeger_grpc = match listen.jaeger_grpc {
            Some(at) => Some(BoundPort::bind("Jaeger's API over gRPC", "jaeger-grpc", at).await?),
            None => None,
        };
        let telemetry = "the process's own metrics";
        Ok(Self {
            http: BoundPort::bind("Tempo's API", "http", listen.http).await?,
            jaeger_http: BoundPort::bind("Jaeger's API", "jaeger-http", listen.jaeger_http).await?,
            jaeger_grpc,
            health,
            telemetry: BoundPort::bind(telemetry, "telemetry", listen.telemetry).await?,
        })
    }

    /// The configured addresses, with the real ports of these.
    pub(crate) fn addresses(&self, configured: &ListenAddresses) -> ListenAddresses {
        ListenAddresses {
            http: self.http.address,
            jaeger_http: self.jaeger_http.address,
            jaeger_grpc: self.jaeger_grpc.as_ref().map(|port| port.address),
            health: self.health.as_ref().map_or(configured.health, |health| health.address),
            telemetry: self.telemetry.address,
            ..*configured
        }
    }
}
