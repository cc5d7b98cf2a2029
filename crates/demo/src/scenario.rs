//! What happens in the shop, and how often.

mod account;
mod background;
mod discovery;
mod purchase;

use crate::calls::HttpCall;
use crate::failure::Outcome;
use crate::journey::Journey;
use crate::random::Random;
use crate::service::Service;

/// One kind of request or job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scenario {
    /// The start page: products, recommendations and promotions side by side.
    Browse,
    /// One product with price, stock and reviews.
    ProductPage,
    /// Full-text search.
    Search,
    /// A category listing that fetches every product's image by a query of its own (the N+1 pattern).
    CategoryListing,
    /// A product goes into the cart.
    AddToCart,
    /// Cart to order: fraud check, payment, stock, shipping, then the queue's consumers.
    Checkout,
    /// A checkout during an outage of the payment provider: retries with backoff, then an error.
    PaymentFailure,
    /// Sign-in, now and then with a wrong password.
    Login,
    /// A user's past orders, from the sharded database.
    OrderHistory,
    /// A user writes a review.
    WriteReview,
    /// The recommender retrains a segment; no user waits.
    RecommendationRefresh,
    /// Analytics takes a batch of messages, linked to the traces that sent them.
    AnalyticsFlush,
    /// The stock reconciliation: hundreds of spans, rarely.
    StockReconciliation,
}

impl Scenario {
    /// Every scenario with its share of the traffic, in thousandths of a percent.
    const SHARES: [(Self, u64); 13] = [
        (Self::Browse, 26_000),
        (Self::ProductPage, 25_000),
        (Self::Search, 15_000),
        (Self::CategoryListing, 4_000),
        (Self::AddToCart, 9_000),
        (Self::Checkout, 5_000),
        (Self::PaymentFailure, 300),
        (Self::Login, 6_000),
        (Self::OrderHistory, 4_000),
        (Self::WriteReview, 1_600),
        (Self::RecommendationRefresh, 2_000),
        (Self::AnalyticsFlush, 2_000),
        (Self::StockReconciliation, 100),
    ];

    /// Every scenario.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::SHARES.into_iter().map(|(scenario, _)| scenario)
    }

    pub(crate) fn draw(random: &mut Random) -> Self {
        let total = Self::SHARES.iter().map(|(_, share)| share).sum();
        let mut point = random.below(total);
        for (scenario, share) in Self::SHARES {
            if point < share {
                return scenario;
            }
            point -= share;
        }
        Self::Browse
    }

    pub(crate) fn play(self, journey: &mut Journey<'_>) {
        match self {
            Self::Browse => discovery::browse(journey),
            Self::ProductPage => discovery::product_page(journey),
            Self::Search => discovery::search(journey),
            Self::CategoryListing => discovery::category_listing(journey),
            Self::AddToCart => purchase::add_to_cart(journey),
            Self::Checkout => purchase::checkout(journey, false),
            Self::PaymentFailure => purchase::checkout(journey, true),
            Self::Login => account::login(journey),
            Self::OrderHistory => account::order_history(journey),
            Self::WriteReview => account::write_review(journey),
            Self::RecommendationRefresh => background::recommendation_refresh(journey),
            Self::AnalyticsFlush => background::analytics_flush(journey),
            Self::StockReconciliation => background::stock_reconciliation(journey),
        }
    }
}

impl Journey<'_> {
    /// A user's request: browsers come by the web tier's page, apps straight to the gateway's API.
    fn visit(&mut self, page: HttpCall, api: HttpCall, body: impl FnOnce(&mut Self) -> Outcome) {
        // How it ended stands in the spans.
        let _ended = if self.shopper.user_agent.starts_with("SpandrelShop/") {
            self.edge(api, |journey| journey.authorized(body))
        } else {
            self.edge(page, |journey| {
                let fetched = journey.http(api, |journey| journey.authorized(body));
                let rendered = journey.internal("renderPage", |journey| {
                    journey.spend(3_500.0, 0.6);
                    Ok(())
                });
                fetched.and(rendered)
            })
        };
    }

    /// What the gateway does before it lets a request through.
    fn authorized(&mut self, body: impl FnOnce(&mut Self) -> Outcome) -> Outcome {
        // Most tokens are verified by signature alone.
        if self.random.chance(0.3) {
            self.http(
                HttpCall::get(
                    Service::Auth,
                    "/internal/sessions/{id}",
                    "/internal/sessions/current",
                ),
                |journey| {
                    journey.cached(
                        &format!("session:{}", journey.shopper.session_id.clone()),
                        |journey| journey.query(&account::SELECT_SESSION, 1),
                    )
                },
            )?;
        }
        body(self)
    }
}
