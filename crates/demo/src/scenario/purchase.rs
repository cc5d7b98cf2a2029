//! Buying: the cart, the checkout, and what the queue's consumers do with an order.

use crate::attribute::attribute;
use crate::backends::{Database, Statement};
use crate::calls::HttpCall;
use crate::failure::{CARD_DECLINED, FRAUD_SUSPECTED, OUT_OF_STOCK, Outcome, PROVIDER_DOWN};
use crate::journey::Journey;
use crate::queue::Message;
use crate::service::Service;
use crate::shopper::sku;

pub(super) const SELECT_STOCK: Statement = Statement {
    database: Database::Inventory,
    operation: "SELECT",
    collection: "stock_levels",
    text: "SELECT warehouse_id, on_hand, reserved FROM stock_levels WHERE sku = ? AND warehouse_region = ?",
};
pub(super) const UPDATE_STOCK: Statement = Statement {
    database: Database::Inventory,
    operation: "UPDATE",
    collection: "stock_levels",
    text: "UPDATE stock_levels SET reserved = reserved + ?, version = version + 1 WHERE sku = ? AND warehouse_id = ? AND version = ?",
};
const INSERT_ORDER: Statement = Statement {
    database: Database::Orders,
    operation: "INSERT",
    collection: "orders",
    text: "INSERT INTO orders (id, user_id, storefront, currency, total_minor, state, placed_at) VALUES ($1, $2, $3, $4, $5, $6, now())",
};
const INSERT_ORDER_ITEMS: Statement = Statement {
    database: Database::Orders,
    operation: "INSERT",
    collection: "order_items",
    text: "INSERT INTO order_items (order_id, sku, quantity, price_minor) SELECT * FROM unnest($1, $2, $3, $4)",
};
const UPDATE_ORDER: Statement = Statement {
    database: Database::Orders,
    operation: "UPDATE",
    collection: "orders",
    text: "UPDATE orders SET state = ?, updated_at = now() WHERE id = ? AND state = ?",
};
const INSERT_PAYMENT: Statement = Statement {
    database: Database::Orders,
    operation: "INSERT",
    collection: "payments",
    text: "INSERT INTO payments (id, order_id, provider, provider_ref, amount_minor, state) VALUES (?, ?, ?, ?, ?, ?)",
};
const INSERT_EVENTS: Statement = Statement {
    database: Database::Warehouse,
    operation: "INSERT",
    collection: "order_events",
    text: "INSERT INTO order_events FORMAT RowBinary",
};

/// Attempts at the payment provider before a checkout gives up.
const PAYMENT_ATTEMPTS: u64 = 3;

pub(super) fn add_to_cart(journey: &mut Journey<'_>) {
    let sku = sku(journey.random);
    let page = HttpCall::post(Service::Web, "/cart/items", "/cart/items");
    let api = HttpCall::post(Service::Gateway, "/api/v1/cart/items", "/api/v1/cart/items");
    journey.visit(page, api, |journey| {
        let user = journey.shopper.user_id.clone();
        let call =
            HttpCall::post(Service::Cart, "/carts/{user}/items", format!("/carts/{user}/items"));
        journey.http(call, |journey| {
            let quantity = 1 + journey.random.skewed(4);
            journey.set("app.product.sku", sku.as_str());
            journey.set("app.cart.quantity", quantity);
            journey.cache_command("HGETALL", format!("HGETALL cart:{user}"), Some(true));
            journey.grpc(
                Service::Inventory,
                "shop.inventory.v1.Inventory/GetAvailability",
                |journey| {
                    journey.query(&SELECT_STOCK, 2)?;
                    if journey.random.chance(0.02) {
                        return journey.raise(OUT_OF_STOCK);
                    }
                    Ok(())
                },
            )?;
            journey.cache_command("HSET", format!("HSET cart:{user} {sku} ?"), None);
            journey.cache_command("EXPIRE", format!("EXPIRE cart:{user} ?"), None);
            let message = journey.publish("cart-events");
            journey.consume(Service::Analytics, &message, record_event);
            Ok(())
        })
    });
}

/// The order as the services speak of it.
struct Order {
    id: String,
    items: u64,
    total: f64,
}

pub(super) fn checkout(journey: &mut Journey<'_>, provider_down: bool) {
    let order = Order {
        id: format!("ord_{:012x}", journey.random.below(1 << 48)),
        items: 1 + journey.random.skewed(7),
        total: (journey.random.lognormal(6_200.0, 0.8)).round() / 100.0,
    };
    let page = HttpCall::post(Service::Web, "/checkout", "/checkout");
    let api = HttpCall::post(Service::Gateway, "/api/v1/orders", "/api/v1/orders");
    journey.visit(page, api, |journey| {
        journey.set("app.order.id", order.id.as_str());
        let call = HttpCall::post(Service::Checkout, "/orders", "/orders");
        journey.http(call, |journey| place_order(journey, &order, provider_down))
    });
}

fn place_order(journey: &mut Journey<'_>, order: &Order, provider_down: bool) -> Outcome {
    journey.set("app.order.id", order.id.as_str());
    journey.set("app.order.items", order.items);
    journey.set("app.order.total", order.total);
    let user = journey.shopper.user_id.clone();
    journey.http(
        HttpCall::get(Service::Cart, "/carts/{user}", format!("/carts/{user}")),
        |journey| {
            journey.cache_command("HGETALL", format!("HGETALL cart:{user}"), Some(true));
            Ok(())
        },
    )?;
    journey.together(&mut [
        &mut |journey| {
            journey.grpc(Service::Pricing, "shop.pricing.v1.Pricing/QuoteOrder", |journey| {
                journey.set("app.order.total", order.total);
                journey.spend(1_400.0, 0.5);
                Ok(())
            })
        },
        &mut |journey| {
            journey.grpc(Service::Shipping, "shop.shipping.v1.Shipping/Quote", |journey| {
                journey.set("app.shipping.method", "standard");
                journey.spend(2_300.0, 0.5);
                Ok(())
            })
        },
        &mut |journey| fraud_check(journey, order),
    ])?;
    reserve_stock(journey, order)?;
    charge(journey, order, provider_down)?;
    journey.query(&INSERT_ORDER, 1)?;
    journey.query(&INSERT_ORDER_ITEMS, order.items)?;
    journey.cache_command("DEL", format!("DEL cart:{user}"), None);
    journey.event("order.placed", vec![attribute("app.order.id", order.id.as_str())]);
    let message = journey.publish("orders");
    process_order(journey, order, &message);
    journey.consume(Service::Analytics, &message, record_event);
    Ok(())
}

fn fraud_check(journey: &mut Journey<'_>, order: &Order) -> Outcome {
    let call = HttpCall::post(Service::Fraud, "/score", "/score").timeout_micros(1_500_000);
    journey.http(call, |journey| {
        let suspicious = journey.random.chance(0.006);
        let score = journey.random.unit() * 0.6 + if suspicious { 0.4 } else { 0.0 };
        journey.set("app.order.id", order.id.as_str());
        journey.set("app.fraud.score", score);
        journey.internal("extract_features", |journey| {
            journey.cache_command(
                "MGET",
                "MGET velocity:user:? velocity:card:?".to_owned(),
                Some(true),
            );
            journey.spend(6_000.0, 0.6);
            Ok(())
        })?;
        journey.spend(21_000.0, 0.7);
        if suspicious { journey.raise(FRAUD_SUSPECTED) } else { Ok(()) }
    })
}

fn reserve_stock(journey: &mut Journey<'_>, order: &Order) -> Outcome {
    journey.grpc(Service::Inventory, "shop.inventory.v1.Inventory/Reserve", |journey| {
        journey.set("app.order.id", order.id.as_str());
        for _ in 0..order.items {
            journey.query(&SELECT_STOCK, 2)?;
            if journey.random.chance(0.008) {
                return journey.raise(OUT_OF_STOCK);
            }
            journey.query(&UPDATE_STOCK, 1)?;
        }
        Ok(())
    })
}

/// The card is charged, with retries while the provider does not answer.
fn charge(journey: &mut Journey<'_>, order: &Order, provider_down: bool) -> Outcome {
    journey.grpc(Service::Payment, "shop.payment.v1.Payment/Charge", |journey| {
        journey.set("app.order.id", order.id.as_str());
        journey.set("app.payment.amount", order.total);
        journey.set("app.payment.currency", journey.shopper.currency);
        let mut attempt = 0;
        loop {
            let down = provider_down || journey.random.chance(0.01);
            let result = if down { Err(PROVIDER_DOWN) } else { Ok(()) };
            if journey.payment_provider(attempt, result).is_ok() {
                break;
            }
            attempt += 1;
            if attempt == PAYMENT_ATTEMPTS {
                return journey.raise(PROVIDER_DOWN);
            }
            let backoff_millis = 100_u64 << attempt;
            journey.event("retry", vec![attribute("backoff_ms", backoff_millis)]);
            journey.spend(backoff_millis as f64 * 1000.0, 0.1);
        }
        if journey.random.chance(0.05) {
            return journey.raise(CARD_DECLINED);
        }
        journey.query(&INSERT_PAYMENT, 1)
    })
}

/// The order's life after the answer: stock, shipment, and the mail to the buyer.
fn process_order(journey: &mut Journey<'_>, order: &Order, message: &Message) {
    journey.consume(Service::OrderProcessor, message, |journey| {
        journey.set("app.order.id", order.id.as_str());
        journey.query(&UPDATE_ORDER, 1)?;
        journey.grpc(Service::Shipping, "shop.shipping.v1.Shipping/CreateShipment", |journey| {
            journey.set("app.order.id", order.id.as_str());
            journey.spend(38_000.0, 0.8);
            Ok(())
        })?;
        journey.query(&UPDATE_ORDER, 1)?;
        let notice = journey.publish("notifications");
        journey.consume(Service::Notification, &notice, |journey| {
            journey.set("app.notification.template", "order-confirmation");
            journey.http(HttpCall::post(Service::Email, "/send", "/send"), |journey| {
                journey.set("app.order.id", order.id.as_str());
                journey.internal("render_template", |journey| {
                    journey.spend(11_000.0, 0.5);
                    Ok(())
                })?;
                journey.spend(85_000.0, 0.8);
                Ok(())
            })
        });
        Ok(())
    });
}

fn record_event(journey: &mut Journey<'_>) -> Outcome {
    journey.spend(700.0, 0.6);
    journey.query(&INSERT_EVENTS, 1)
}
