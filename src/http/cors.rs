//! Which pages of other origins may call, as a browser asks.

use std::sync::Arc;

use http::header::{CONTENT_TYPE, HOST, HeaderName, ORIGIN, RETRY_AFTER};
use http::{HeaderValue, Method, Request, Uri};
use tower_http::cors::{AllowOrigin, CorsLayer};

/// The setting for no origin.
pub(super) const NONE: &str = "none";

/// The setting for every origin.
const ANY: &str = "*";

/// How long a browser may remember what it was told.
const REMEMBERED: std::time::Duration = std::time::Duration::from_secs(600);

/// What a page may send beside what every page may.
const SENT: [&str; 7] = [
    "fanfare-member-token",
    "grpc-timeout",
    "last-event-id",
    "x-grpc-web",
    "x-user-agent",
    "authorization",
    "accept",
];

/// What a page may read of an answer.
const READ: [&str; 3] = ["grpc-status", "grpc-message", "grpc-status-details-bin"];

/// The origins that may call.
#[derive(Clone, Debug)]
pub(super) struct Origins {
    setting: Arc<str>,
    layer: Option<CorsLayer>,
}

impl Origins {
    /// As `setting` says, which [`check_origins`] has passed.
    pub(super) fn of(setting: &str) -> Self {
        let closed = Self {
            setting: setting.trim().into(),
            layer: None,
        };
        let allowed = match setting.trim() {
            NONE | "" => return closed,
            ANY => AllowOrigin::any(),
            list => AllowOrigin::list(origins(list).filter_map(|origin| origin.parse().ok())),
        };
        let header = HeaderName::from_static;
        let layer = CorsLayer::new()
            .allow_origin(allowed)
            .allow_methods([Method::GET, Method::POST, Method::PATCH])
            .allow_headers(
                SENT.map(header)
                    .into_iter()
                    .chain([CONTENT_TYPE])
                    .collect::<Vec<_>>(),
            )
            .expose_headers(
                READ.map(header)
                    .into_iter()
                    .chain([RETRY_AFTER])
                    .collect::<Vec<_>>(),
            )
            .max_age(REMEMBERED);
        Self {
            layer: Some(layer),
            ..closed
        }
    }

    /// Whether whoever asks is no page of an origin that may not call. What a
    /// browser withholds from such a page, the node has done by then: a
    /// subscription, for one, has its member listed.
    pub(super) fn admits<B>(&self, request: &Request<B>) -> bool {
        let header = |name| request.headers().get(name).map(HeaderValue::as_bytes);
        let Some(origin) = header(ORIGIN) else {
            // A page that does not ask for the answer sends none.
            let site = header(HeaderName::from_static("sec-fetch-site"));
            let is_page = [Some(&b"cross-site"[..]), Some(b"same-site")].contains(&site);
            return !is_page || *self.setting == *ANY;
        };
        let host = request.uri().authority();
        let host = host.map_or(header(HOST), |host| Some(host.as_str().as_bytes()));
        let of = origin.splitn(2, |byte| *byte == b'/').nth(1);
        let is_own = of.and_then(|of| of.strip_prefix(b"/")) == host && host.is_some();
        is_own
            || *self.setting == *ANY
            || origins(&self.setting).any(|o| o != NONE && o.as_bytes() == origin)
    }

    /// What answers a browser; none: no page may call.
    pub(super) fn layer(&self) -> Option<&CorsLayer> {
        self.layer.as_ref()
    }
}

fn origins(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim)
}

/// Checks a list of origins: `none`, `*`, or some separated by commas.
///
/// # Errors
///
/// The reason, as the rest of a sentence about the setting.
pub fn check_origins(setting: &str) -> Result<(), String> {
    if [NONE, ANY].contains(&setting.trim()) {
        return Ok(());
    }
    for origin in origins(setting) {
        if let Some(flaw) = flaw(origin) {
            return Err(format!("has {origin:?}, which {flaw}"));
        }
    }
    Ok(())
}

/// Why a browser would never send this as its origin.
fn flaw(origin: &str) -> Option<&'static str> {
    if [NONE, ANY].contains(&origin) {
        return Some("stands alone");
    }
    let uri: Option<Uri> = origin.parse().ok();
    let is_web = ["http://", "https://"]
        .iter()
        .any(|scheme| origin.starts_with(scheme));
    let Some(uri) = uri.filter(|_| is_web && HeaderValue::from_str(origin).is_ok()) else {
        return Some("is no origin: it begins with https:// or http://");
    };
    let is_bare = uri.authority().is_some_and(|authority| {
        let scheme = uri.scheme_str().unwrap_or_default();
        origin == format!("{scheme}://{authority}") && !authority.as_str().contains('@')
    });
    if !is_bare {
        return Some("has more than scheme, host and port: leave out what comes after them");
    }
    (origin != origin.to_lowercase()).then_some("has capitals, which a browser sends in lower case")
}
