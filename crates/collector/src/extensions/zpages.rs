//! `zpages`: what runs, and what became of every span, on pages that a person can read.

use std::fmt::Write;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::Html;
use axum::routing::get;
use spandrel_config::Section;
use spandrel_config::blocks::HttpServer;
use spandrel_pipeline::{Component, ComponentContext, ComponentError, Totals};

use super::pages::Pages;
use crate::status::Status;

const ENDPOINT: &str = "localhost:55679";

/// Settings of `zpages`.
#[derive(Debug, Clone)]
pub(crate) struct ZPagesSettings {
    endpoint: String,
}

impl ZPagesSettings {
    pub(crate) fn read(section: &mut Section<'_>) -> Self {
        let endpoint = ENDPOINT.to_owned();
        let server =
            HttpServer::read_with(section, HttpServer { endpoint, ..HttpServer::default() });
        let expvar = section.optional("expvar", |_| ());
        if expvar.is_some() {
            section
                .warn(Some("expvar"), "has no effect: variables of Go's runtime do not exist here");
        }
        Self { endpoint: server.endpoint }
    }
}

/// The extension `zpages`.
pub(crate) struct ZPages {
    settings: ZPagesSettings,
    status: Arc<Status>,
    pages: Pages,
}

impl ZPages {
    pub(crate) fn new(settings: ZPagesSettings, status: Arc<Status>, _: ComponentContext) -> Self {
        Self { settings, status, pages: Pages::default() }
    }
}

#[async_trait::async_trait]
impl Component for ZPages {
    async fn start(&self) -> Result<(), ComponentError> {
        let router = Router::new()
            .route("/", get(services))
            .route("/debug/servicez", get(services))
            .route("/debug/pipelinez", get(pipelines))
            .route("/debug/extensionz", get(extensions))
            .with_state(Arc::clone(&self.status));
        self.pages.serve(&self.settings.endpoint, router).await
    }

    async fn shutdown(&self) {
        self.pages.close().await;
    }
}

async fn services(State(status): State<Arc<Status>>) -> Html<String> {
    let since = status.up_since_unix_nanos().map(crate::status::rfc3339).unwrap_or_default();
    let body = format!(
        "<p>spandrel {} is {}{}{since}.</p><ul><li><a href=\"/debug/pipelinez\">Pipelines</a>: what became of every span\
         <li><a href=\"/debug/extensionz\">Extensions</a></ul>",
        env!("CARGO_PKG_VERSION"),
        status.phase().as_str(),
        if since.is_empty() { "" } else { " since " },
    );
    page("Service", &body)
}

async fn pipelines(State(status): State<Arc<Status>>) -> Html<String> {
    let mut body = String::from(
        "<p>At rest, received = sent + filtered + sampled out + refused + failed + held.</p><table><tr><th>pipeline\
         <th>received<th>sent<th>filtered<th>sampled out<th>refused<th>failed<th>held<th>adds up</tr>",
    );
    for pipeline in status.pipelines() {
        let totals = pipeline.totals;
        let Totals { received, sent, filtered, sampled_out, refused, failed, held } = totals;
        let adds_up = if totals.adds_up() { "yes" } else { "spans are on their way" };
        // Writing to a string does not fail.
        let _ = write!(
            body,
            "<tr><td>{}<td>{received}<td>{sent}<td>{filtered}<td>{sampled_out}<td>{refused}<td>{failed}<td>{held}<td>{adds_up}</tr>",
            escaped(&pipeline.description)
        );
    }
    body.push_str("</table>");
    page("Pipelines", &body)
}

async fn extensions(State(status): State<Arc<Status>>) -> Html<String> {
    let items: Vec<String> =
        status.extensions().iter().map(|id| format!("<li>{}", escaped(id))).collect();
    page("Extensions", &format!("<ul>{}</ul>", items.join("")))
}

fn page(title: &str, body: &str) -> Html<String> {
    Html(format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{title} - Spandrel</title><style>\
         body{{font:15px/1.5 system-ui,sans-serif;margin:2rem;max-width:75rem}}\
         table{{border-collapse:collapse}}td,th{{padding:.3rem .8rem;border-bottom:1px solid #ddd;text-align:right;\
         font-variant-numeric:tabular-nums}}td:first-child,th:first-child{{text-align:left}}</style>\
         <h1>{title}</h1>{body}</html>"
    ))
}

/// Ids come from a file, which somebody else may have written.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
