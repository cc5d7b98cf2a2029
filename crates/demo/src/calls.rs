//! Calls between services: a CLIENT span here, a SERVER span on some instance there.
//!
//! A server reports its own failures (5xx) as errors; a client also those it caused (4xx), as the
//! conventions say.

use spandrel_proto::otlp::trace::span::SpanKind;

use crate::attribute::attribute;
use crate::failure::{Failure, Outcome, TIMEOUT};
use crate::fleet::InstanceIndex;
use crate::journey::Journey;
use crate::service::{Library, Service};

/// An HTTP request to one of the services.
#[derive(Debug, Clone)]
pub(crate) struct HttpCall {
    service: Service,
    method: &'static str,
    route: &'static str,
    path: String,
    /// How many times it was sent before.
    resend: u64,
    /// When the caller gives up, in microseconds.
    timeout_micros: Option<u64>,
}

impl HttpCall {
    pub(crate) fn get(service: Service, route: &'static str, path: impl Into<String>) -> Self {
        Self::new("GET", service, route, path.into())
    }

    pub(crate) fn post(service: Service, route: &'static str, path: impl Into<String>) -> Self {
        Self::new("POST", service, route, path.into())
    }

    fn new(method: &'static str, service: Service, route: &'static str, path: String) -> Self {
        Self { service, method, route, path, resend: 0, timeout_micros: None }
    }

    pub(crate) fn timeout_micros(mut self, micros: u64) -> Self {
        self.timeout_micros = Some(micros);
        self
    }

    pub(crate) fn resend(mut self, times: u64) -> Self {
        self.resend = times;
        self
    }

    fn success_status(&self) -> u16 {
        if self.method == "POST" { 201 } else { 200 }
    }
}

impl Journey<'_> {
    /// A request from outside: a root SERVER span on the web tier or, for apps, the gateway.
    pub(crate) fn edge(
        &mut self,
        call: HttpCall,
        body: impl FnOnce(&mut Self) -> Outcome,
    ) -> Outcome {
        let instance = self.fleet.choose(call.service, self.random);
        self.open_on(
            instance,
            Library::Http,
            SpanKind::Server,
            format!("{} {}", call.method, call.route),
        );
        self.http_server_attributes(&call, "https");
        self.set("server.address", "www.spandrelshop.example");
        self.set("client.address", self.shopper.address.clone());
        self.set("user_agent.original", self.shopper.user_agent);
        self.set("app.session.id", self.shopper.session_id.clone());
        self.set("app.storefront", self.shopper.storefront);
        self.set("app.user.tier", self.shopper.tier);
        self.spend(900.0, 0.5);
        let outcome = body(self);
        self.end_http_server(&call, outcome);
        outcome
    }

    /// Calls a service over HTTP; `body` is what the server does.
    pub(crate) fn http(
        &mut self,
        call: HttpCall,
        body: impl FnOnce(&mut Self) -> Outcome,
    ) -> Outcome {
        let sent = self.now;
        let target = self.fleet.choose(call.service, self.random);
        self.http_client(&call, target);
        self.spend(320.0, 0.4); // Network and queueing on the way there.
        let caller = self.fleet.instance(self.instance()).address.clone();
        self.open_on(
            target,
            Library::Http,
            SpanKind::Server,
            format!("{} {}", call.method, call.route),
        );
        self.http_server_attributes(&call, "http");
        self.set("server.address", call.service.name());
        self.set("client.address", caller);
        self.spend(420.0, 0.6);
        self.collect_garbage();
        let mut outcome = body(self);
        self.end_http_server(&call, outcome);
        self.spend(280.0, 0.4);
        if let Some(micros) = call.timeout_micros
            && self.now > sent + micros * 1000
        {
            // The caller leaves; the server's span has run past it.
            self.now = sent + micros * 1000;
            outcome = Err(TIMEOUT);
            self.fail_client(TIMEOUT, "timeout");
        } else {
            self.set("http.response.status_code", status_of(outcome, &call));
            if let Err(failure) = outcome {
                self.fail_client(failure, &failure.http_status.to_string());
            }
        }
        self.close();
        outcome
    }

    fn http_client(&mut self, call: &HttpCall, target: InstanceIndex) {
        let (name, port) = (call.service.name(), call.service.profile().port);
        self.open(Library::Http, SpanKind::Client, call.method);
        self.set("http.request.method", call.method);
        self.set("url.full", format!("http://{name}:{port}{}", call.path));
        self.set("server.address", name);
        self.set("server.port", port);
        self.set("network.peer.address", self.fleet.instance(target).address.as_str());
        self.set("network.protocol.version", "1.1");
        self.set("service.peer.name", name);
        if call.resend > 0 {
            self.set("http.request.resend_count", call.resend);
        }
    }

    fn http_server_attributes(&mut self, call: &HttpCall, scheme: &'static str) {
        self.set("http.request.method", call.method);
        self.set("http.route", call.route);
        match call.path.split_once('?') {
            Some((path, query)) => {
                self.set("url.path", path);
                self.set("url.query", query);
            }
            None => self.set("url.path", call.path.as_str()),
        }
        self.set("url.scheme", scheme);
        self.set("server.port", call.service.profile().port);
        self.caller_identity();
    }

    /// What the services copy from baggage onto their SERVER spans.
    fn caller_identity(&mut self) {
        self.set("app.user.id", self.shopper.user_id.clone());
        self.set("app.request.id", self.request_id.clone());
    }

    fn end_http_server(&mut self, call: &HttpCall, outcome: Outcome) {
        self.spend(180.0, 0.5);
        self.set("http.response.status_code", status_of(outcome, call));
        if let Err(failure) = outcome
            && !failure.is_callers_fault()
        {
            self.fail(failure);
            self.set("error.type", failure.http_status.to_string());
        }
        self.close();
    }

    /// Calls a service over gRPC; `method` is `package.Service/Method`.
    pub(crate) fn grpc(
        &mut self,
        service: Service,
        method: &'static str,
        body: impl FnOnce(&mut Self) -> Outcome,
    ) -> Outcome {
        let target = self.fleet.choose(service, self.random);
        self.open(Library::Grpc, SpanKind::Client, method);
        self.grpc_attributes(service, method);
        self.set("network.peer.address", self.fleet.instance(target).address.as_str());
        self.set("service.peer.name", service.name());
        self.spend(210.0, 0.4);
        let caller = self.fleet.instance(self.instance()).address.clone();
        self.open_on(target, Library::Grpc, SpanKind::Server, method.to_owned());
        self.grpc_attributes(service, method);
        self.set("client.address", caller);
        self.caller_identity();
        self.spend(260.0, 0.6);
        self.collect_garbage();
        let outcome = body(self);
        self.spend(90.0, 0.4);
        self.set("rpc.response.status_code", grpc_status_of(outcome));
        if let Err(failure) = outcome
            && !failure.is_callers_fault()
        {
            self.fail(failure);
            self.set("error.type", failure.grpc_status);
        }
        self.close();
        self.spend(190.0, 0.4);
        self.set("rpc.response.status_code", grpc_status_of(outcome));
        if let Err(failure) = outcome {
            self.fail_client(failure, failure.grpc_status);
        }
        self.close();
        outcome
    }

    fn grpc_attributes(&mut self, service: Service, method: &'static str) {
        self.set("rpc.system.name", "grpc");
        self.set("rpc.method", method);
        self.set("server.address", service.name());
        self.set("server.port", service.profile().port);
    }

    pub(crate) fn fail_client(&mut self, failure: Failure, error_type: &str) {
        self.fail(failure);
        self.set("error.type", error_type);
    }

    /// Rarely the server's runtime stops the world while it holds the request.
    fn collect_garbage(&mut self) {
        if !self.service().language().pauses() || !self.random.chance(0.003) {
            return;
        }
        let begin = self.now;
        self.spend(240_000.0, 0.5);
        let pause_millis = (self.now - begin) / 1_000_000;
        self.event(
            "gc.pause",
            vec![
                attribute("gc.pause.duration_ms", pause_millis),
                attribute("gc.generation", "old"),
            ],
        );
    }
}

fn status_of(outcome: Outcome, call: &HttpCall) -> u16 {
    match outcome {
        Ok(()) => call.success_status(),
        Err(failure) => failure.http_status,
    }
}

fn grpc_status_of(outcome: Outcome) -> &'static str {
    match outcome {
        Ok(()) => "OK",
        Err(failure) => failure.grpc_status,
    }
}
