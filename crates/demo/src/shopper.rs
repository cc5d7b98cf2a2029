//! The people who use the shop: a bounded set of users, each with a few sessions, places and devices.

use crate::attribute::uuid;
use crate::random::Random;

const USERS: u64 = 60_000;
const PRODUCTS: u64 = 8_000;

const USER_AGENTS: &[&str] = &[
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/146.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Safari/605.1.15",
    "Mozilla/5.0 (X11; Linux x86_64; rv:148.0) Gecko/20100101 Firefox/148.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 26_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 16; Pixel 10) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/146.0.0.0 Mobile Safari/537.36",
    "SpandrelShop/8.14.2 (iOS 26.1; iPhone17,2)",
    "SpandrelShop/8.14.0 (Android 15; SM-S938B)",
];

const TENANTS: &[&str] = &["de", "fr", "uk", "us", "se", "pl", "jp"];
const CURRENCIES: &[&str] = &["EUR", "EUR", "GBP", "USD", "SEK", "PLN", "JPY"];
const TIERS: &[&str] = &["basic", "basic", "basic", "plus", "plus", "gold"];

/// Who sends a request; travels with it as baggage does.
#[derive(Debug, Clone)]
pub(crate) struct Shopper {
    /// Drives which database shard holds the user's rows.
    pub(crate) number: u64,
    pub(crate) user_id: String,
    pub(crate) session_id: String,
    pub(crate) tier: &'static str,
    pub(crate) storefront: &'static str,
    pub(crate) currency: &'static str,
    pub(crate) user_agent: &'static str,
    pub(crate) address: String,
}

impl Shopper {
    /// A random user in the session they have open at `unix_nanos`.
    pub(crate) fn draw(random: &mut Random, unix_nanos: u64) -> Self {
        let number = random.skewed(USERS);
        // Traits hang on the user, the session also on the half hour.
        let mut traits = Random::new(number);
        let place = traits.below(TENANTS.len() as u64) as usize;
        let (user, device) = (traits.next_u64(), traits.next_u64());
        let half_hour = unix_nanos / 1_800_000_000_000;
        let mut session = Random::new(number ^ half_hour << 20);
        Self {
            number,
            user_id: format!("usr_{user:016x}"),
            session_id: uuid(session.next_u64(), session.next_u64()),
            tier: traits.pick(TIERS),
            storefront: TENANTS[place],
            currency: CURRENCIES[place],
            user_agent: traits.pick(USER_AGENTS),
            address: format!(
                "{}.{}.{}.{}",
                81 + device % 100,
                device >> 8 & 0xff,
                device >> 16 & 0xff,
                1 + (device >> 24) % 254
            ),
        }
    }
}

/// A product number as it stands in paths and keys.
pub(crate) fn sku(random: &mut Random) -> String {
    format!("SKU-{:05}", 10_000 + random.skewed(PRODUCTS))
}
