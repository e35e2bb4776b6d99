//! What there is, and who answers it.

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, Version};
use serde_json::Value;

use super::problem::{self, Problem};
use super::{Answer, Body, Grpc, Node, call, events, is_native, openapi, query, upload};
use crate::json::{self, Wrong};

/// The header that proves to be a member; it has no place in a URL, which
/// others may log.
pub(super) const MEMBER_TOKEN: &str = "fanfare-member-token";

/// The type of a body.
pub(super) const JSON: &str = "application/json";

/// The type of a change to a profile. Source: RFC 7396.
pub(super) const MERGE_PATCH: &str = "application/merge-patch+json";

/// One thing that can be asked.
#[derive(Debug)]
pub(super) struct Route {
    /// Its name, for programs that are made of the description.
    pub(super) id: &'static str,
    pub(super) method: Method,
    /// With at most one `{parameter}`, which is one segment or a part of it.
    pub(super) path: &'static str,
    pub(super) kind: Kind,
}

/// How a request becomes a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Its body is the message of this method, but for what is in the path.
    Body(&'static str),
    /// Its query is.
    Query(&'static str),
    /// Its body is merged into the profile of the member in the path.
    Patch,
    /// It subscribes.
    Events,
    /// It asks what there is.
    Description,
}

/// All of them.
pub(super) static ROUTES: [Route; 10] = [
    post("send", "/v1:send", Kind::Body("Send")),
    post("sendBatch", "/v1:sendBatch", Kind::Body("SendBatch")),
    post("broadcast", "/v1:broadcast", Kind::Body("Broadcast")),
    post(
        "sendToChannel",
        "/v1/channels/{channel}:send",
        Kind::Body("Send"),
    ),
    get("listChannels", "/v1/channels", Kind::Query("ListChannels")),
    get("getMembers", "/v1/members", Kind::Query("GetMembers")),
    Route {
        id: "updateMember",
        method: Method::PATCH,
        path: "/v1/members/{member_id}",
        kind: Kind::Patch,
    },
    get("getHistory", "/v1/history", Kind::Query("GetHistory")),
    get("subscribe", "/v1/events", Kind::Events),
    get("describe", "/openapi.json", Kind::Description),
];

const fn get(id: &'static str, path: &'static str, kind: Kind) -> Route {
    Route {
        id,
        method: Method::GET,
        path,
        kind,
    }
}

const fn post(id: &'static str, path: &'static str, kind: Kind) -> Route {
    Route {
        id,
        method: Method::POST,
        path,
        kind,
    }
}

impl Route {
    /// The name of what the path leaves open.
    pub(super) fn parameter(&self) -> Option<&'static str> {
        let (_, rest) = self.path.split_once('{')?;
        rest.split('}').next()
    }

    /// What stands for the parameter in `path`, empty where there is none; none
    /// if this is another path.
    fn find<'a>(&self, path: &'a str) -> Option<&'a str> {
        let Some((before, rest)) = self.path.split_once('{') else {
            return (path == self.path).then_some("");
        };
        let (_, after) = rest.split_once('}')?;
        let found = path.strip_prefix(before)?.strip_suffix(after)?;
        (!found.is_empty() && !found.contains('/')).then_some(found)
    }
}

/// Answers `request`.
pub(super) async fn answer<S: Grpc<Body>>(
    services: &mut S,
    node: &std::sync::Arc<Node>,
    request: Request<Body>,
) -> Result<Response<Answer>, Problem> {
    let (head, body) = request.into_parts();
    if head.version < Version::HTTP_2 && is_native(&head.headers) {
        return Err(Problem::needs_http2());
    }
    let (route, parameter) = find(&head.method, head.uri.path())?;
    let parameter = match route.parameter() {
        Some(name) => Some((name, query::decoded(name, parameter)?)),
        None => None,
    };
    let pairs = || query::pairs(head.uri.query().unwrap_or_default());
    let (method, message) = match route.kind {
        Kind::Body(method) => {
            let text = upload::read(&head.headers, body, JSON, node.request_bytes).await?;
            let message = json::read(&json::method(method).input(), &text)?;
            (method, addressed(message, &text, parameter)?)
        }
        Kind::Query(method) => {
            let input = json::method(method).input();
            (method, query::message(&input, pairs()?)?)
        }
        Kind::Patch => {
            let text = upload::read(&head.headers, body, MERGE_PATCH, node.request_bytes).await?;
            let (_, member) = parameter.unwrap_or_default();
            ("UpdateMember", patch(&member, &text, &head.headers)?)
        }
        Kind::Events => {
            let message = events::message(pairs()?, &head.headers)?;
            let response = call::open(services, "Subscribe", &message, head.extensions).await?;
            return Ok(events::response(response.into_body(), node));
        }
        Kind::Description => return Ok(problem::json(openapi::document().to_vec())),
    };
    let answer: Bytes = call::unary(services, method, &message, head.extensions).await?;
    let output = json::method(method).output();
    Ok(problem::json(json::write(&output, &answer)))
}

fn find<'a>(method: &Method, path: &'a str) -> Result<(&'static Route, &'a str), Problem> {
    let here = ROUTES
        .iter()
        .filter_map(|route| Some((route, route.find(path)?)));
    let here: Vec<_> = here.collect();
    let found = here.iter().find(|(route, _)| route.method == *method);
    if let Some(found) = found {
        return Ok(*found);
    }
    if here.is_empty() {
        let services = ["/fanfare.v1.", "/grpc."];
        return Err(if services.iter().any(|of| path.starts_with(of)) {
            Problem::media_type("", "application/grpc")
        } else {
            Problem::not_found(path)
        });
    }
    let allowed: Vec<_> = here
        .iter()
        .map(|(route, _)| route.method.as_str())
        .collect();
    Err(Problem::method(method, &allowed.join(", ")))
}

/// A `SendRequest` to the channel that the path names, if it does.
fn addressed(
    mut message: Vec<u8>,
    text: &str,
    parameter: Option<(&str, String)>,
) -> Result<Vec<u8>, Wrong> {
    let Some((name, value)) = parameter else {
        return Ok(message);
    };
    let input = json::method("Send").input();
    let field = input
        .get_field_by_name(name)
        .map_or(0, |field| field.number());
    let named = json::fields(&message).find(|(number, _)| *number == field);
    if named.is_some() {
        let body: Value = serde_json::from_str(text).unwrap_or_default();
        if body[name] != Value::String(value.clone()) {
            let flaw = format!("is another in the body than {value:?} in the path: name it once");
            return Err(query::wrong(name, flaw));
        }
        return Ok(message);
    }
    let path = serde_json::json!({ name: value });
    message.extend(json::read(&input, &path.to_string())?);
    Ok(message)
}

/// An `UpdateMemberRequest` that merges the object `text`.
fn patch(member: &str, text: &str, headers: &HeaderMap) -> Result<Vec<u8>, Wrong> {
    let profile = json::message("google.protobuf.Struct").expect("a well-known type");
    let data = json::read(&profile, text)?;
    let token = headers.get(MEMBER_TOKEN).map(|token| token.to_str());
    let token = token.unwrap_or(Ok(""));
    let token = token.map_err(|_| query::wrong(MEMBER_TOKEN, "is no text".to_owned()))?;
    let rest = serde_json::json!({"memberId": member, "memberToken": token, "merge": true});
    let input = json::method("UpdateMember").input();
    let mut message = json::read(&input, &rest.to_string())?;
    let data_field = input
        .get_field_by_name("data")
        .map_or(0, |field| field.number());
    json::put(data_field, &data, &mut message);
    Ok(message)
}
