//! A member of a room: subscribed, sending and changing on one stream, which
//! comes back after every cut with nothing missed and nothing said twice.

use std::collections::VecDeque;
use std::time::Duration;

use fanfare::rpc::client::reply::Result as Outcome;
use fanfare::rpc::client::session_request::Request;
use fanfare::rpc::client::session_response::Frame;
use fanfare::rpc::client::subscribe_request::Start;
use fanfare::rpc::client::{
    Payload, Position, Ready, Reply, SendRequest, SessionRequest, SubscribeRequest, Subscription,
    UpdateProfile,
};
use serde_json::json;
use tonic::{Code, Status};

use super::common::{BackOff, Client, HEARTBEAT, silence};
use super::people::{People, profile};
use super::session::Session;

/// The id of the first request on a stream; the others have higher ones.
const SUBSCRIBE: u64 = 1;

pub(crate) struct Member {
    client: Client,
    name: String,
    room: String,
    /// What every stream begins with: the profile as it is now, and the
    /// position and the token to come back with.
    subscribe: SubscribeRequest,
    session: Option<Session>,
    /// Repeated after a cut, since they may not have happened.
    unanswered: VecDeque<SessionRequest>,
    last_id: u64,
    people: People,
    /// After this long without a frame the connection is taken for dead.
    silence: Duration,
    back_off: BackOff,
}

impl Member {
    pub(crate) fn new(client: Client, name: &str, room: &str) -> Self {
        let subscription = Subscription {
            channel: room.to_owned(),
            presence: true,
            // One's own words come back in the room's order, like all others.
            echo: true,
            ..Subscription::default()
        };
        Self {
            client,
            name: name.to_owned(),
            room: room.to_owned(),
            subscribe: SubscribeRequest {
                subscriptions: vec![subscription],
                data: Some(profile(name, "here")),
                ..SubscribeRequest::default()
            },
            session: None,
            unanswered: VecDeque::new(),
            last_id: SUBSCRIBE,
            people: People::default(),
            silence: 2 * HEARTBEAT,
            back_off: BackOff::default(),
        }
    }

    pub(crate) async fn say(&mut self, text: &str) {
        let send = SendRequest {
            channel: self.room.clone(),
            event: "said".to_owned(),
            // The name too: who said it may have left before it is read.
            payload: Some(Payload::json(json!({ "name": self.name, "text": text }))),
            request_id: uuid::Uuid::new_v4().to_string(),
            ..SendRequest::default()
        };
        self.ask(Request::Send(send)).await;
    }

    pub(crate) async fn change_status(&mut self, status: &str) {
        let data = Some(profile(&self.name, status));
        self.subscribe.data.clone_from(&data);
        let merge = false;
        self.ask(Request::Update(UpdateProfile { data, merge }))
            .await;
    }

    /// The next line for the terminal, past any number of cuts. An error is
    /// for good.
    pub(crate) async fn next(&mut self) -> Result<String, Status> {
        loop {
            let frame = tokio::time::timeout(self.silence, self.frame()).await;
            let frame = frame.unwrap_or_else(|_| Err(Status::unavailable("silence")));
            match frame.and_then(|frame| self.apply(frame)) {
                Ok(Some(line)) => return Ok(line),
                Ok(None) => {}
                Err(status) => {
                    self.cut();
                    self.back_off.wait(status).await?;
                }
            }
        }
    }

    /// Lets go of the stream, as a bad network would.
    pub(crate) fn cut(&mut self) {
        self.session = None;
    }

    async fn ask(&mut self, request: Request) {
        self.last_id += 1;
        let (id, request) = (self.last_id, Some(request));
        let request = SessionRequest { id, request };
        self.unanswered.push_back(request.clone());
        if let Some(session) = &self.session {
            session.send(request).await;
        }
    }

    async fn frame(&mut self) -> Result<Frame, Status> {
        if self.session.is_none() {
            let subscribe = SessionRequest {
                id: SUBSCRIBE,
                request: Some(Request::Subscribe(self.subscribe.clone())),
            };
            let requests = [&subscribe].into_iter().chain(&self.unanswered);
            self.session = Some(Session::open(&mut self.client, requests).await?);
        }
        self.session.as_mut().expect("opened above").next().await
    }

    /// Takes note of a frame, and says what it has for the terminal.
    fn apply(&mut self, frame: Frame) -> Result<Option<String>, Status> {
        Ok(match frame {
            Frame::Reply(reply) => return self.answered(reply),
            Frame::Event(event) => {
                self.move_to(event.sequence);
                let said = event.payload.and_then(|payload| payload.as_json());
                said.map(|said| format!("{}: {}", text(&said["name"]), text(&said["text"])))
            }
            Frame::Members(list) => self.people.replace(list),
            Frame::Presence(presence) => {
                self.move_to(presence.sequence);
                self.people.change(presence)
            }
            Frame::Gap(gap) if gap.channel == self.room => Some("* something was missed".into()),
            Frame::Heartbeat(heartbeat) => {
                self.resume_from(heartbeat.position);
                None
            }
            Frame::Gap(_) | Frame::Closing(_) => None,
        })
    }

    fn answered(&mut self, reply: Reply) -> Result<Option<String>, Status> {
        self.unanswered.retain(|request| request.id != reply.id);
        match reply.result {
            Some(Outcome::Ready(ready)) => self.is_there(ready),
            Some(Outcome::Error(error)) if reply.id == SUBSCRIBE => {
                return Err(Status::new(Code::from(error.code), error.message));
            }
            Some(Outcome::Error(error)) => return Ok(Some(format!("* {}", error.message))),
            _ => {}
        }
        Ok(None)
    }

    fn is_there(&mut self, ready: Ready) {
        self.silence = silence(&ready);
        self.resume_from(ready.position);
        self.subscribe.member_token = ready.member_token;
        self.back_off = BackOff::default();
    }

    fn resume_from(&mut self, position: Option<Position>) {
        self.subscribe.start = position.map(Start::Resume);
    }

    fn move_to(&mut self, sequence: u64) {
        if let Some(Start::Resume(position)) = &mut self.subscribe.start {
            position.sequence = sequence;
        }
    }
}

fn text(value: &serde_json::Value) -> &str {
    value.as_str().unwrap_or("?")
}
