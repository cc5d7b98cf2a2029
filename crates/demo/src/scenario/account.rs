//! What users do with their account: sign in, look at past orders, write a review.

use crate::backends::{Database, Statement};
use crate::calls::HttpCall;
use crate::failure::WRONG_PASSWORD;
use crate::journey::Journey;
use crate::service::Service;
use crate::shopper::sku;

pub(super) const SELECT_SESSION: Statement = Statement {
    database: Database::Users,
    operation: "SELECT",
    collection: "sessions",
    text: "SELECT user_id, scopes, expires_at FROM sessions WHERE id = ? AND revoked_at IS NULL",
};
const SELECT_USER: Statement = Statement {
    database: Database::Users,
    operation: "SELECT",
    collection: "users",
    text: "SELECT id, password_hash, mfa_enabled, locked_until FROM users WHERE email_hash = ?",
};
const INSERT_SESSION: Statement = Statement {
    database: Database::Users,
    operation: "INSERT",
    collection: "sessions",
    text: "INSERT INTO sessions (id, user_id, scopes, user_agent_hash, expires_at) VALUES (?, ?, ?, ?, ?)",
};
const SELECT_PROFILE: Statement = Statement {
    database: Database::Users,
    operation: "SELECT",
    collection: "profiles",
    text: "SELECT display_name, locale, tier, marketing_consent FROM profiles WHERE user_id = @user",
};
const SELECT_ORDERS: Statement = Statement {
    database: Database::Orders,
    operation: "SELECT",
    collection: "orders",
    text: "SELECT id, state, total_minor, currency, placed_at FROM orders WHERE user_id = $1 ORDER BY placed_at DESC LIMIT $2",
};
const SELECT_ORDER_ITEMS: Statement = Statement {
    database: Database::Orders,
    operation: "SELECT",
    collection: "order_items",
    text: "SELECT order_id, sku, quantity, price_minor FROM order_items WHERE order_id = ANY($1)",
};
const INSERT_REVIEW: Statement = Statement {
    database: Database::Reviews,
    operation: "insert",
    collection: "reviews",
    text: "{\"insert\":\"reviews\",\"documents\":\"?\",\"ordered\":true}",
};

pub(super) fn login(journey: &mut Journey<'_>) {
    let page = HttpCall::post(Service::Web, "/login", "/login");
    let api = HttpCall::post(Service::Gateway, "/api/v1/sessions", "/api/v1/sessions");
    journey.visit(page, api, |journey| {
        journey.http(HttpCall::post(Service::Auth, "/sessions", "/sessions"), |journey| {
            journey.query(&SELECT_USER, 1)?;
            let wrong = journey.random.chance(0.07);
            journey.internal("PasswordHasher.verify", |journey| {
                journey.set("app.auth.algorithm", "argon2id");
                journey.spend(62_000.0, 0.15);
                if wrong { journey.raise(WRONG_PASSWORD) } else { Ok(()) }
            })?;
            journey.query(&INSERT_SESSION, 1)?;
            journey.cache_command(
                "SET",
                format!("SET session:{} ? EX 1800", journey.shopper.session_id),
                None,
            );
            Ok(())
        })?;
        let user = journey.shopper.user_id.clone();
        journey.http(
            HttpCall::get(Service::Users, "/profiles/{user}", format!("/profiles/{user}")),
            |journey| {
                journey
                    .cached(&format!("profile:{user}"), |journey| journey.query(&SELECT_PROFILE, 1))
            },
        )
    });
}

pub(super) fn order_history(journey: &mut Journey<'_>) {
    let page = HttpCall::get(Service::Web, "/account/orders", "/account/orders");
    let api = HttpCall::get(Service::Gateway, "/api/v1/orders", "/api/v1/orders?limit=20");
    journey.visit(page, api, |journey| {
        let call = HttpCall::get(Service::Checkout, "/orders", "/orders?limit=20")
            .timeout_micros(2_000_000);
        journey.http(call, |journey| {
            let orders = journey.random.below(21);
            journey.query(&SELECT_ORDERS, orders)?;
            journey.query(&SELECT_ORDER_ITEMS, orders * 3)
        })?;
        journey.grpc(Service::Shipping, "shop.shipping.v1.Shipping/TrackMany", |journey| {
            journey.spend(5_200.0, 0.7);
            Ok(())
        })
    });
}

pub(super) fn write_review(journey: &mut Journey<'_>) {
    let sku = sku(journey.random);
    let page =
        HttpCall::post(Service::Web, "/products/{sku}/reviews", format!("/products/{sku}/reviews"));
    let api = HttpCall::post(
        Service::Gateway,
        "/api/v1/products/{sku}/reviews",
        format!("/api/v1/products/{sku}/reviews"),
    );
    journey.visit(page, api, |journey| {
        let call = HttpCall::post(Service::Review, "/reviews/{sku}", format!("/reviews/{sku}"));
        journey.http(call, |journey| {
            let stars = journey.random.between(1, 5);
            journey.set("app.product.sku", sku.as_str());
            journey.set("app.review.stars", stars);
            journey.internal("ModerationFilter::check", |journey| {
                journey.spend(7_500.0, 0.6);
                Ok(())
            })?;
            journey.query(&INSERT_REVIEW, 1)?;
            journey.cache_command("DEL", format!("DEL reviews:{sku}"), None);
            Ok(())
        })
    });
}
