//! The ways a request can fail, and what each language makes of an exception.

use crate::service::{Language, Service};

/// How a piece of work ended.
pub(crate) type Outcome = Result<(), Failure>;

/// A failure as it crosses service borders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Failure {
    /// What an HTTP server answers.
    pub(crate) http_status: u16,
    /// What a gRPC server answers, `UPPER_SNAKE_CASE`.
    pub(crate) grpc_status: &'static str,
    /// The exception's name without a language's decoration.
    pub(crate) name: &'static str,
    pub(crate) message: &'static str,
}

impl Failure {
    /// The caller did something wrong; the server is healthy and its span is no error.
    pub(crate) fn is_callers_fault(self) -> bool {
        self.http_status < 500
    }
}

const fn failure(
    http_status: u16,
    grpc_status: &'static str,
    name: &'static str,
    message: &'static str,
) -> Failure {
    Failure { http_status, grpc_status, name, message }
}

pub(crate) const CARD_DECLINED: Failure = failure(
    402,
    "FAILED_PRECONDITION",
    "CardDeclined",
    "card declined by issuer: insufficient_funds",
);
pub(crate) const FRAUD_SUSPECTED: Failure = failure(
    403,
    "PERMISSION_DENIED",
    "FraudSuspected",
    "order rejected: risk score above threshold",
);
pub(crate) const OUT_OF_STOCK: Failure =
    failure(409, "FAILED_PRECONDITION", "OutOfStock", "requested quantity is not available");
pub(crate) const WRONG_PASSWORD: Failure =
    failure(401, "UNAUTHENTICATED", "InvalidCredentials", "email or password is wrong");
pub(crate) const PROVIDER_DOWN: Failure = failure(
    503,
    "UNAVAILABLE",
    "PaymentProviderUnavailable",
    "payment provider answered 503 Service Unavailable",
);
pub(crate) const TIMEOUT: Failure = failure(
    504,
    "DEADLINE_EXCEEDED",
    "Timeout",
    "deadline exceeded while waiting for the response",
);
pub(crate) const POOL_EXHAUSTED: Failure = failure(
    500,
    "RESOURCE_EXHAUSTED",
    "ConnectionPoolExhausted",
    "could not get a connection from the pool within 2000 ms",
);
pub(crate) const CONNECTION_RESET: Failure =
    failure(502, "UNAVAILABLE", "ConnectionReset", "connection reset by peer");
pub(crate) const DEADLOCK: Failure =
    failure(500, "ABORTED", "DeadlockDetected", "deadlock detected while waiting for a row lock");
pub(crate) const NIL_PRICE: Failure =
    failure(500, "INTERNAL", "NullReference", "price list entry has no currency");

/// An exception's type as the language's SDK reports it.
pub(crate) fn exception_type(language: Language, service: Service, name: &str) -> String {
    let module = service.name().replace('-', "_");
    match language {
        Language::Java => format!("com.spandrelshop.{module}.{name}Exception"),
        Language::DotNet => format!("SpandrelShop.{module}.{name}Exception"),
        Language::Python => format!("{module}.errors.{name}Error"),
        Language::Ruby => format!("{module}::{name}Error"),
        Language::Php => format!("App\\Exception\\{name}Exception"),
        Language::Go => format!("*{module}.{name}Error"),
        Language::Rust => format!("{module}::error::{name}"),
        Language::NodeJs | Language::Cpp => format!("{name}Error"),
    }
}

/// A stack trace in the language's form, innermost call where that language prints it.
pub(crate) fn stacktrace(language: Language, exception: &str, message: &str) -> String {
    let frames = match language {
        Language::Java => {
            "\tat com.spandrelshop.core.Guard.check(Guard.java:88)\n\
             \tat com.spandrelshop.service.RequestHandler.execute(RequestHandler.java:214)\n\
             \tat com.spandrelshop.service.RequestHandler.lambda$dispatch$3(RequestHandler.java:131)\n\
             \tat org.springframework.web.servlet.FrameworkServlet.service(FrameworkServlet.java:885)\n\
             \tat org.apache.tomcat.util.threads.TaskThread$WrappingRunnable.run(TaskThread.java:63)\n\
             \tat java.base/java.lang.Thread.run(Thread.java:1583)"
        }
        Language::DotNet => {
            "   at SpandrelShop.Core.Guard.Check(Request request) in /src/Core/Guard.cs:line 52\n   \
             at SpandrelShop.Api.Handler.ExecuteAsync(HttpContext context) in /src/Api/Handler.cs:line 117\n   \
             at Microsoft.AspNetCore.Routing.EndpointMiddleware.Invoke(HttpContext httpContext)"
        }
        Language::Python => {
            "Traceback (most recent call last):\n  \
             File \"/app/server.py\", line 142, in handle\n    result = self.process(request)\n  \
             File \"/app/process.py\", line 67, in process\n    self.guard.check(request)\n  \
             File \"/app/guard.py\", line 31, in check\n    raise error"
        }
        Language::NodeJs => {
            "    at Guard.check (/app/dist/guard.js:44:15)\n    \
             at async Handler.execute (/app/dist/handler.js:118:22)\n    \
             at async /app/node_modules/fastify/lib/handleRequest.js:127:9"
        }
        Language::Go => {
            "goroutine 4127 [running]:\n\
             shop/internal/guard.(*Guard).Check(0xc0003a8000, {0xc00041e2d0, 0x24})\n\t/src/internal/guard/guard.go:71 +0x1d4\n\
             shop/internal/handler.(*Handler).ServeHTTP(0xc00012c1e0)\n\t/src/internal/handler/handler.go:156 +0x3a8"
        }
        Language::Ruby => {
            "/app/lib/guard.rb:29:in `check'\n/app/lib/handler.rb:84:in `block in call'\n\
             /usr/local/bundle/gems/rack-3.1.8/lib/rack/builder.rb:277:in `call'"
        }
        Language::Php => {
            "#0 /app/src/Handler.php(93): App\\Guard->check(Object(App\\Request))\n\
             #1 /app/vendor/symfony/http-kernel/HttpKernel.php(181): App\\Handler->__invoke()\n#2 {main}"
        }
        Language::Rust => {
            "   0: guard::check\n             at ./src/guard.rs:58:9\n   \
             1: handler::execute::{{closure}}\n             at ./src/handler.rs:133:17"
        }
        Language::Cpp => {
            "#0 Guard::Check(Request const&) guard.cc:77\n#1 Handler::Run() handler.cc:141"
        }
    };
    match language {
        // Python prints the exception below the frames.
        Language::Python => format!("{frames}\n{exception}: {message}"),
        _ => format!("{exception}: {message}\n{frames}"),
    }
}
