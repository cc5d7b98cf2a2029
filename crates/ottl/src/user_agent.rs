//! Who a `User-Agent` is of: a small part of what the rules of uap-core tell, for the senders that traces meet.
//!
//! Browsers of today on the systems of today, some crawlers, and libraries and tools that say `name/version`.
//! Anybody else is `Other`.

/// What a text tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UserAgent {
    /// The browser, library or tool.
    pub(crate) name: String,
    /// Its version, of at most three parts; may be empty.
    pub(crate) version: String,
    /// The system that it runs on.
    pub(crate) os_name: &'static str,
    /// Its version; may be empty.
    pub(crate) os_version: String,
}

const OTHER: &str = "Other";

/// A mark in the text in front of a version, the name, and how many parts of the version count. The first that is
/// there counts: many browsers say that they are others as well.
const AGENTS: [(&str, &str, usize); 28] = [
    ("Googlebot/", "Googlebot", 2),
    ("bingbot/", "bingbot", 2),
    ("SamsungBrowser/", "Samsung Internet", 2),
    ("EdgA/", "Edge Mobile", 3),
    ("EdgiOS/", "Edge Mobile", 3),
    ("Edg/", "Edge", 3),
    ("Edge/", "Edge", 3),
    ("OPR/", "Opera", 3),
    ("CriOS/", "Chrome Mobile iOS", 3),
    ("FxiOS/", "Firefox iOS", 2),
    ("HeadlessChrome/", "HeadlessChrome", 3),
    ("Chrome/", "Chrome", 3),
    ("Firefox/", "Firefox", 2),
    ("curl/", "curl", 3),
    ("Wget/", "Wget", 3),
    ("Go-http-client/", "Go-http-client", 2),
    ("python-requests/", "Python Requests", 2),
    ("Python-urllib/", "Python-urllib", 2),
    ("aiohttp/", "aiohttp", 3),
    ("okhttp/", "okhttp", 3),
    ("PostmanRuntime/", "PostmanRuntime", 3),
    ("Apache-HttpClient/", "Apache-HttpClient", 3),
    ("axios/", "axios", 3),
    ("Presto/", "Opera", 0),
    ("MSIE ", "IE", 2),
    ("Trident/", "IE", 0),
    ("Version/", "Safari", 3),
    ("Java/", "Java", 3),
];

/// Versions of Windows by that of NT.
const WINDOWS: [(&str, &str); 6] =
    [("10.0", "10"), ("6.3", "8.1"), ("6.2", "8"), ("6.1", "7"), ("6.0", "Vista"), ("5.1", "XP")];

impl UserAgent {
    pub(crate) fn of(text: &str) -> Self {
        let (os_name, os_version) = system(text);
        let (name, version) = agent(text, os_name);
        Self { name: name.to_owned(), version, os_name, os_version }
    }
}

fn agent(text: &str, os_name: &str) -> (&'static str, String) {
    for (mark, name, parts) in AGENTS {
        let Some(after) = after(text, mark) else { continue };
        match (name, mark) {
            // What Opera and the last Internet Explorer are called stands elsewhere.
            ("Opera", "Presto/") => return (name, version_after(text, "Version/", 2)),
            ("IE", "Trident/") => return (name, version_after(text, "rv:", 2)),
            ("Chrome", _) if os_name == "Android" && text.contains(" Mobile") => {
                return ("Chrome Mobile", version(after, parts));
            }
            ("Firefox", _) if os_name == "Android" => {
                return ("Firefox Mobile", version(after, parts));
            }
            ("Safari", _) if !text.contains("Safari/") => {}
            ("Safari", _) if os_name == "iOS" => return ("Mobile Safari", version(after, parts)),
            // Java names itself in the remarks of its libraries as well.
            ("Java", _) if !text.starts_with(mark) => {}
            _ => return (name, version(after, parts)),
        }
    }
    (OTHER, String::new())
}

fn system(text: &str) -> (&'static str, String) {
    if let Some(nt) = after(text, "Windows NT ") {
        let nt = version(nt, 2);
        let known = WINDOWS.iter().find(|(version, _)| *version == nt);
        return ("Windows", known.map_or(nt.as_str(), |(_, name)| name).to_owned());
    }
    if let Some(after) = after(text, "Android ") {
        return ("Android", version(after, 3));
    }
    if text.contains("iPhone") || text.contains("iPad") || text.contains("iPod") {
        return ("iOS", version_after(text, " OS ", 3));
    }
    if let Some(after) = after(text, "Mac OS X") {
        return ("Mac OS X", version(after.trim_start(), 3));
    }
    if let Some(after) = after(text, "CrOS ") {
        return ("Chrome OS", version_after(after, " ", 3));
    }
    for (mark, name) in
        [("Ubuntu", "Ubuntu"), ("Fedora", "Fedora"), ("Linux", "Linux"), ("linux", "Linux")]
    {
        if text.contains(mark) {
            return (name, String::new());
        }
    }
    (OTHER, String::new())
}

fn after<'t>(text: &'t str, mark: &str) -> Option<&'t str> {
    text.split_once(mark).map(|(_, after)| after)
}

fn version_after(text: &str, mark: &str, parts: usize) -> String {
    after(text, mark).map_or_else(String::new, |after| version(after, parts))
}

/// Up to so many numbers with dots or underscores between them.
fn version(text: &str, parts: usize) -> String {
    let numbers = text.split(['.', '_']);
    let mut found: Vec<&str> = Vec::new();
    for number in numbers.take(parts) {
        let end = number.find(|c: char| !c.is_ascii_digit()).unwrap_or(number.len());
        let digits = number.get(..end).unwrap_or_default();
        if digits.is_empty() {
            break;
        }
        found.push(digits);
        if end < number.len() {
            break;
        }
    }
    found.join(".")
}
