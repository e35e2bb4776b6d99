//! Calls with the generated stub, over connections by their names.

use std::collections::HashMap;
use std::time::Duration;

use fanfare::rpc::client::realtime_service_client::RealtimeServiceClient;
use fanfare::rpc::client::{
    BroadcastRequest, GetHistoryRequest, GetMembersRequest, ListChannelsRequest, SendBatchRequest,
    SendRequest, UpdateMemberRequest,
};
use serde_json::Value;
use tonic::Request;
use tonic::transport::{Channel, Endpoint};

use super::Result;
use super::messages::{of_status, parsed, printed};

pub(crate) type Stub = RealtimeServiceClient<Channel>;

/// An answer, or the error in its place.
pub(crate) type Answer = std::result::Result<Value, Value>;

/// More than any answer has.
const LARGEST: usize = 16 << 20;

/// The connections of a scenario.
pub(crate) struct Stubs {
    address: String,
    options: Value,
    made: HashMap<String, Stub>,
}

impl Stubs {
    pub(crate) fn new(address: &str, options: Value) -> Self {
        Self {
            address: format!("http://{address}"),
            options,
            made: HashMap::new(),
        }
    }

    /// The one of the connection that a step names.
    pub(crate) fn of(&mut self, step: &Value) -> Result<Stub> {
        let name = step["connection"].as_str().unwrap_or("main");
        if let Some(stub) = self.made.get(name) {
            return Ok(stub.clone());
        }
        let endpoint = Endpoint::from_shared(self.address.clone());
        let mut endpoint = endpoint.map_err(|error| error.to_string())?;
        if let Some(millis) = self.options[name]["keepalive_ms"].as_u64() {
            let interval = Duration::from_millis(millis);
            endpoint = endpoint.http2_keep_alive_interval(interval);
            endpoint = endpoint.keep_alive_while_idle(true);
        }
        let stub = Stub::new(endpoint.connect_lazy()).max_decoding_message_size(LARGEST);
        self.made.insert(name.to_owned(), stub.clone());
        Ok(stub)
    }
}

/// A request of a step, with the deadline that it may have.
pub(crate) fn timed<T>(message: T, step: &Value) -> Request<T> {
    let mut request = Request::new(message);
    if let Some(millis) = step["deadline_ms"].as_u64() {
        request.set_timeout(Duration::from_millis(millis));
    }
    request
}

/// Makes a unary call.
pub(crate) async fn call(mut stub: Stub, step: &Value) -> Result<Answer> {
    macro_rules! unary {
        ($call:ident, $request:ident, $answer:literal) => {{
            let request: $request = parsed(stringify!($request), &step["request"])?;
            match stub.$call(timed(request, step)).await {
                Ok(answer) => Ok(printed($answer, answer.get_ref())?),
                Err(status) => Err(of_status(&status)),
            }
        }};
    }
    Ok(match step["call"].as_str().unwrap_or_default() {
        "Send" => unary!(send, SendRequest, "SendResponse"),
        "Broadcast" => unary!(broadcast, BroadcastRequest, "BroadcastResponse"),
        "GetMembers" => unary!(get_members, GetMembersRequest, "GetMembersResponse"),
        "UpdateMember" => unary!(update_member, UpdateMemberRequest, "UpdateMemberResponse"),
        "GetHistory" => unary!(get_history, GetHistoryRequest, "GetHistoryResponse"),
        "ListChannels" => unary!(list_channels, ListChannelsRequest, "ListChannelsResponse"),
        "SendBatch" => unary!(send_batch, SendBatchRequest, "SendBatchResponse"),
        other => return Err(format!("no call {other} is known")),
    })
}
