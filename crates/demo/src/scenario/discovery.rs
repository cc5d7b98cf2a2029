//! Looking around: start page, products, search, categories.

use crate::attribute::attribute;
use crate::backends::{Database, Statement};
use crate::calls::HttpCall;
use crate::failure::{CONNECTION_RESET, NIL_PRICE, Outcome};
use crate::journey::Journey;
use crate::service::Service;
use crate::shopper::sku;

const SELECT_PRODUCTS: Statement = Statement {
    database: Database::Catalog,
    operation: "SELECT",
    collection: "products",
    text: "SELECT id, sku, title, category_id, list_price, currency FROM products WHERE featured AND region = $1 ORDER BY rank LIMIT $2",
};
const SELECT_PRODUCT: Statement = Statement {
    database: Database::Catalog,
    operation: "SELECT",
    collection: "products",
    text: "SELECT id, sku, title, description, attributes, category_id FROM products WHERE sku = $1",
};
const SELECT_CATEGORY: Statement = Statement {
    database: Database::Catalog,
    operation: "SELECT",
    collection: "products",
    text: "SELECT id, sku, title FROM products WHERE category_id = $1 ORDER BY popularity DESC LIMIT $2 OFFSET $3",
};
const SELECT_IMAGE: Statement = Statement {
    database: Database::Catalog,
    operation: "SELECT",
    collection: "product_images",
    text: "SELECT url, width, height FROM product_images WHERE product_id = $1 AND role = $2",
};
const SELECT_PRICES: Statement = Statement {
    database: Database::Catalog,
    operation: "SELECT",
    collection: "price_lists",
    text: "SELECT sku, amount_minor, currency, valid_until FROM price_lists WHERE sku = ANY($1) AND storefront = $2",
};
const FIND_REVIEWS: Statement = Statement {
    database: Database::Reviews,
    operation: "find",
    collection: "reviews",
    text: "{\"find\":\"reviews\",\"filter\":{\"sku\":\"?\",\"state\":\"?\"},\"sort\":{\"helpful\":\"?\"},\"limit\":\"?\"}",
};
const SEARCH_PRODUCTS: Statement = Statement {
    database: Database::SearchIndex,
    operation: "search",
    collection: "products-v7",
    text: "{\"query\":{\"multi_match\":{\"query\":\"?\",\"fields\":[\"title^3\",\"brand\",\"description\"]}},\"size\":\"?\"}",
};
const SELECT_PROMOTIONS: Statement = Statement {
    database: Database::Catalog,
    operation: "SELECT",
    collection: "promotions",
    text: "SELECT id, kind, discount FROM promotions WHERE storefront = $1 AND now() BETWEEN starts_at AND ends_at",
};

const TERMS: &[&str] = &[
    "running shoes",
    "usb-c cable",
    "espresso machine",
    "winter jacket",
    "desk lamp",
    "headphones",
    "phone case",
    "water bottle",
    "yoga mat",
    "board game",
    "rain coat",
    "tent 2 person",
];
const CATEGORIES: &[&str] =
    &["outdoor", "kitchen", "audio", "lighting", "toys", "office", "garden"];

pub(super) fn browse(journey: &mut Journey<'_>) {
    let page = HttpCall::get(Service::Web, "/", "/");
    let api = HttpCall::get(Service::Gateway, "/api/v1/home", "/api/v1/home");
    journey.visit(page, api, |journey| {
        journey.together(&mut [
            &mut |journey| {
                journey.grpc(
                    Service::Catalog,
                    "shop.catalog.v1.CatalogService/ListFeatured",
                    |journey| {
                        let key = format!("catalog:featured:{}", journey.shopper.storefront);
                        journey.cached(&key, |journey| journey.query(&SELECT_PRODUCTS, 24))?;
                        journey.spend(600.0, 0.4);
                        journey.grpc(Service::Pricing, "shop.pricing.v1.Pricing/GetPrices", prices)
                    },
                )
            },
            &mut recommendations,
            &mut |journey| {
                journey.http(
                    HttpCall::get(Service::Promotions, "/promotions", "/promotions?placement=home"),
                    |journey| {
                        let key = format!("promo:{}", journey.shopper.storefront);
                        journey.cached(&key, |journey| journey.query(&SELECT_PROMOTIONS, 5))
                    },
                )
            },
        ])
    });
}

/// Recommendations are a nicety: the gateway waits 250 ms and goes on without them.
fn recommendations(journey: &mut Journey<'_>) -> Outcome {
    let path = format!("/recommendations?user={}", journey.shopper.user_id);
    let call =
        HttpCall::get(Service::Recommendation, "/recommendations", path).timeout_micros(250_000);
    let outcome = journey.http(call, |journey| {
        let key = format!("reco:{}", journey.shopper.user_id);
        journey.cached(&key, |journey| {
            journey.internal("rank_candidates", |journey| {
                journey.set("app.model.version", "two-tower-2026-10");
                let candidates = journey.random.between(80, 400);
                journey.set("app.reco.candidates", candidates);
                journey.spend(38_000.0, 0.9);
                Ok(())
            })
        })
    });
    if let Err(failure) = outcome {
        journey.event("recommendations.fallback", vec![attribute("reason", failure.name)]);
    }
    Ok(())
}

fn prices(journey: &mut Journey<'_>) -> Outcome {
    let storefront = journey.shopper.storefront;
    journey.cached(&format!("price:{storefront}"), |journey| {
        journey.query(&SELECT_PRICES, 24)?;
        journey.grpc(Service::Currency, "shop.currency.v1.CurrencyService/Convert", |journey| {
            journey.set("app.currency.target", journey.shopper.currency);
            journey.spend(150.0, 0.5);
            Ok(())
        })
    })?;
    if journey.random.chance(0.001_5) {
        return journey.raise(NIL_PRICE);
    }
    journey.spend(350.0, 0.5);
    Ok(())
}

pub(super) fn product_page(journey: &mut Journey<'_>) {
    let sku = sku(journey.random);
    let page = HttpCall::get(Service::Web, "/products/{sku}", format!("/products/{sku}"));
    let api = HttpCall::get(
        Service::Gateway,
        "/api/v1/products/{sku}",
        format!("/api/v1/products/{sku}"),
    );
    journey.visit(page, api, |journey| {
        journey.set("app.product.sku", sku.as_str());
        journey.grpc(Service::Catalog, "shop.catalog.v1.CatalogService/GetProduct", |journey| {
            journey.set("app.product.sku", sku.as_str());
            journey.cached(&format!("catalog:product:{sku}"), |journey| {
                journey.query(&SELECT_PRODUCT, 1)?;
                journey.query(&SELECT_IMAGE, 6)
            })
        })?;
        journey.together(&mut [
            &mut |journey| {
                journey.grpc(Service::Pricing, "shop.pricing.v1.Pricing/GetPrices", prices)
            },
            &mut |journey| {
                journey.grpc(
                    Service::Inventory,
                    "shop.inventory.v1.Inventory/GetAvailability",
                    |journey| {
                        journey.set("app.product.sku", sku.as_str());
                        journey.cached(&format!("stock:{sku}"), |journey| {
                            journey.query(&super::purchase::SELECT_STOCK, 3)
                        })
                    },
                )
            },
            &mut |journey| reviews(journey, &sku),
            &mut recommendations,
        ])
    });
}

/// Reviews come with one retry when the connection breaks.
fn reviews(journey: &mut Journey<'_>, sku: &str) -> Outcome {
    let call = HttpCall::get(Service::Review, "/reviews/{sku}", format!("/reviews/{sku}?limit=10"));
    let broken = journey.random.chance(0.006);
    let first = journey.http(call.clone(), |journey| {
        if broken {
            journey.spend(9_000.0, 0.5);
            return journey.raise(CONNECTION_RESET);
        }
        find_reviews(journey, sku)
    });
    if first != Err(CONNECTION_RESET) {
        return first;
    }
    journey.spend(50_000.0, 0.1);
    journey.http(call.resend(1), |journey| find_reviews(journey, sku))
}

fn find_reviews(journey: &mut Journey<'_>, sku: &str) -> Outcome {
    journey.cached(&format!("reviews:{sku}"), |journey| {
        let found = journey.random.below(11);
        journey.query(&FIND_REVIEWS, found)
    })
}

pub(super) fn search(journey: &mut Journey<'_>) {
    let term = journey.random.pick(TERMS);
    let encoded = term.replace(' ', "+");
    let page = HttpCall::get(Service::Web, "/search", format!("/search?q={encoded}"));
    let api = HttpCall::get(
        Service::Gateway,
        "/api/v1/search",
        format!("/api/v1/search?q={encoded}&size=30"),
    );
    journey.visit(page, api, |journey| {
        let call = HttpCall::get(Service::Search, "/products/_query", "/products/_query")
            .timeout_micros(3_000_000);
        journey.http(call, |journey| {
            let hits = journey.random.skewed(1_400);
            journey.set("app.search.term", term);
            journey.set("app.search.hits", hits);
            journey.internal("QueryParser.parse", |journey| {
                journey.spend(300.0, 0.5);
                Ok(())
            })?;
            journey.query(&SEARCH_PRODUCTS, hits.min(30))?;
            journey.internal("Ranker.rerank", |journey| {
                journey.set("app.search.hits", hits);
                journey.spend(4_200.0, 0.7);
                Ok(())
            })
        })?;
        journey.grpc(Service::Pricing, "shop.pricing.v1.Pricing/GetPrices", prices)
    });
}

pub(super) fn category_listing(journey: &mut Journey<'_>) {
    let category = journey.random.pick(CATEGORIES);
    let page = HttpCall::get(Service::Web, "/c/{category}", format!("/c/{category}"));
    let api = HttpCall::get(
        Service::Gateway,
        "/api/v1/categories/{category}/products",
        format!("/api/v1/categories/{category}/products"),
    );
    journey.visit(page, api, |journey| {
        journey.grpc(Service::Catalog, "shop.catalog.v1.CatalogService/ListCategory", |journey| {
            let products = journey.random.between(14, 48);
            journey.set("app.category", category);
            journey.set("app.category.size", products);
            journey.query(&SELECT_CATEGORY, products)?;
            for _ in 0..products {
                journey.query(&SELECT_IMAGE, 1)?;
                journey.spend(60.0, 0.5);
            }
            Ok(())
        })
    });
}
