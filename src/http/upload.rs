//! The body of a request, within its limits.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http_body_util::BodyExt;
use tokio::time::timeout;

use super::Body;
use super::problem::Problem;
use crate::rpc;

/// How long a body may take to come whole: what has come of it is held.
const PATIENCE: Duration = Duration::from_secs(30);

/// The text of a body of the type `expected`, of at most `limit` bytes.
///
/// # Errors
///
/// Another type, before any of it is read; a larger one, as soon as that is
/// known, which its length may say; one that does not come; what is not UTF-8.
pub(super) async fn read(
    headers: &HeaderMap,
    body: Body,
    expected: &str,
    limit: usize,
) -> Result<String, Problem> {
    let found = text(headers, CONTENT_TYPE);
    let kind = found.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case(expected) {
        return Err(Problem::media_type(found, expected));
    }
    let announced: Option<usize> = text(headers, CONTENT_LENGTH).parse().ok();
    if announced.is_some_and(|length| length > limit) {
        return Err(Problem::too_large(limit));
    }
    let whole = timeout(PATIENCE, collect(body, limit)).await;
    let whole = whole.map_err(|_| Problem::late(PATIENCE))??;
    String::from_utf8(whole.into()).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        rpc::invalid("", format!("is not UTF-8 after {at} bytes")).into()
    })
}

async fn collect(mut body: Body, limit: usize) -> Result<Bytes, Problem> {
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let broken = |_| rpc::invalid("", "broke off before its end".to_owned());
        let Ok(data) = frame.map_err(broken)?.into_data() else {
            continue;
        };
        if whole.len() + data.len() > limit {
            return Err(Problem::too_large(limit));
        }
        whole.extend_from_slice(&data);
    }
    Ok(whole.freeze())
}

fn text(headers: &HeaderMap, name: http::HeaderName) -> &str {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or_default()
}
