//! A session from its client's side: lines come in, requests go out, frames
//! come back, and none of the three waits for another.
//!
//! Replies come in the order of the requests, or the session is over. At most
//! [`WINDOW`] requests are unanswered at a time; no further line is read
//! meanwhile. Ctrl-C ends the input, and what was asked for is still answered;
//! [`interrupted_twice`] is for those who would rather not wait.

use std::collections::VecDeque;
use std::error::Error as _;
use std::future::{Future, pending};
use std::io;
use std::pin::Pin;
use std::time::Duration;

use prost_reflect::prost::Message as _;
use prost_reflect::{DynamicMessage, Value};
use tokio::io::Stdin;
use tokio::signal;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tonic::Status;

use super::call::{Answers, Deadline, Target, late};
use super::lines::{Line, Lines};
use super::{Failure, fields, json};

/// Requests that may be unanswered: enough for 20,000 a second where an answer
/// takes 50 ms. Only their numbers are kept.
const WINDOW: usize = 1_024;

/// Bytes of one request. A node takes 4 MiB besides the payload that it allows,
/// and ends the session of who sends more.
const LARGEST: usize = 4 << 20;

/// Requests that wait to be written. Few, since one may be as large as a line.
const QUEUE: usize = 8;

/// A session, fed from stdin.
pub(crate) struct Exchange {
    /// None: the input has ended, and the node knows it.
    input: Option<Input>,
    answers: Answers,
    unanswered: VecDeque<u64>,
    last_line: u64,
    deadline: Deadline,
    interrupt: Interrupt,
}

struct Input {
    lines: Lines<Stdin>,
    requests: mpsc::Sender<Vec<u8>>,
}

type Interrupt = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What comes next.
#[derive(Debug)]
pub(crate) enum Step {
    /// A line of input.
    Line(Line),
    /// A frame of the node, a reply or not.
    Frame(DynamicMessage),
    /// Ctrl-C, which ended the input.
    Interrupted,
}

/// What happened of the things that are waited for.
enum Happened {
    Read(io::Result<Option<Line>>),
    Answered(Result<Option<DynamicMessage>, Status>),
    Interrupted,
}

impl Exchange {
    /// Opens a session, in which an answer may take as long as `deadline` says.
    pub(crate) async fn open(target: &Target, deadline: Deadline) -> Result<Self, Failure> {
        let (requests, queue) = mpsc::channel(QUEUE);
        let lines = Lines::of(tokio::io::stdin());
        Ok(Self {
            input: Some(Input { lines, requests }),
            answers: target.both_ways(&json::method("Session"), queue).await?,
            unanswered: VecDeque::new(),
            last_line: 0,
            deadline,
            interrupt: Box::pin(interrupted()),
        })
    }

    /// What comes next; none once the input has ended and all is answered.
    ///
    /// # Errors
    ///
    /// The session ended, an answer is late or not in turn, or stdin cannot be
    /// read. [`unanswered`](Self::unanswered) tells what is open then.
    pub(crate) async fn next(&mut self) -> Result<Option<Step>, Failure> {
        while self.input.is_some() || !self.unanswered.is_empty() {
            let happened = timeout(self.patience(), self.happens()).await;
            match happened.map_err(|_| late(self.deadline))? {
                Happened::Read(Ok(Some(line))) => {
                    self.last_line = line.number;
                    return Ok(Some(Step::Line(line)));
                }
                Happened::Read(Ok(None)) => self.end_input(),
                Happened::Read(Err(error)) => {
                    return Err(Failure::failed(format!("cannot read stdin: {error}")));
                }
                Happened::Answered(Ok(Some(frame))) => return self.settle(frame).map(Some),
                Happened::Answered(Ok(None)) => return Err(ended()),
                Happened::Answered(Err(status)) => return Err(self.broken(status)),
                Happened::Interrupted => {
                    self.end_input();
                    self.interrupt = Box::pin(pending());
                    return Ok(Some(Step::Interrupted));
                }
            }
        }
        Ok(None)
    }

    /// Asks for what a line asks for; its reply carries `id`. Once for each
    /// line at most: [`next`](Self::next) has kept room for that much.
    ///
    /// # Errors
    ///
    /// The request is larger than any node takes; the text says so.
    pub(crate) fn ask(&mut self, id: u64, mut request: DynamicMessage) -> Result<(), String> {
        request.set_field_by_name("id", Value::U64(id));
        let request = request.encode_to_vec();
        let size = request.len();
        if size > LARGEST {
            return Err(format!(
                "makes a request of {size} bytes, at most {LARGEST} are sent: send less in one event"
            ));
        }
        self.unanswered.push_back(id);
        if let Some(input) = &self.input {
            // Refused only where the stream is over, which its end will tell.
            let _ = input.requests.try_send(request);
        }
        Ok(())
    }

    /// Reads no further line. What was asked for is still answered.
    pub(crate) fn end_input(&mut self) {
        self.input = None;
    }

    /// The requests without an answer, in their order.
    pub(crate) fn unanswered(&self) -> &VecDeque<u64> {
        &self.unanswered
    }

    /// The number of the last line that was read; 0 if there is none.
    pub(crate) fn last_line(&self) -> u64 {
        self.last_line
    }

    /// How long nothing may happen.
    fn patience(&self) -> Duration {
        if self.unanswered.is_empty() {
            Duration::MAX
        } else {
            self.deadline.timeout
        }
    }

    async fn happens(&mut self) -> Happened {
        let has_room = self.unanswered.len() < WINDOW;
        tokio::select! {
            answer = self.answers.next() => Happened::Answered(answer),
            line = read(&mut self.input), if has_room => Happened::Read(line),
            () = &mut self.interrupt => Happened::Interrupted,
        }
    }

    fn broken(&mut self, status: Status) -> Failure {
        // The node's own word, instead of an answer: it took up nothing.
        if self.answers.is_opening() && status.source().is_none() {
            self.unanswered.clear();
            self.last_line = 0;
        }
        status.into()
    }

    /// Takes a frame, and what it answers from the open requests.
    fn settle(&mut self, frame: DynamicMessage) -> Result<Step, Failure> {
        if let Some(reply) = fields::message(&frame, "reply") {
            let id = fields::number(&reply, "id");
            if self.unanswered.front() != Some(&id) {
                let text = format!("the node answered request {id}, whose turn it was not");
                return Err(Failure::failed(text));
            }
            self.unanswered.pop_front();
        }
        Ok(Step::Frame(frame))
    }
}

/// The next line, once there is room for what it asks for.
async fn read(input: &mut Option<Input>) -> io::Result<Option<Line>> {
    if let Some(Input { lines, requests }) = input
        && let Ok(_room) = requests.reserve().await
    {
        return lines.next().await;
    }
    // The input has ended, or the stream has: there is an answer to wait for.
    pending().await
}

/// Waits for Ctrl-C twice. From then on it ends nothing by itself.
pub(crate) async fn interrupted_twice() {
    interrupted().await;
    interrupted().await;
}

async fn interrupted() {
    if signal::ctrl_c().await.is_err() {
        // It cannot be waited for, so it does what it does by itself.
        pending::<()>().await;
    }
}

fn ended() -> Failure {
    Failure::failed("the node ended the session".to_owned())
}
