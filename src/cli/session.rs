//! `fanfare session`: one session by hand, a command a line.
//!
//! Each frame is printed as it comes, replies among them. What is wrong with a
//! command is told on stderr, and neither that nor a refusal ends the session.

use std::io::IsTerminal as _;

use prost_reflect::DynamicMessage;

use super::call::{Deadline, Target};
use super::command::{Command, read};
use super::exchange::{Exchange, Step, interrupted_twice};
use super::lines::Line;
use super::output::{Output, note, on_stderr};
use super::{Failure, fields, render};

/// The arguments of `session`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    deadline: Deadline,
}

impl Args {
    /// Asks for what the lines say, until they end and all is answered.
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let mut exchange = Exchange::open(&self.target, self.deadline).await?;
        let mut session = Session::new();
        session.user.begin().await;
        let ended = tokio::select! {
            ended = session.converse(&mut exchange) => ended,
            () = interrupted_twice() => Err(Failure::failed("interrupted twice".to_owned())),
        };
        session.user.make_room().await;
        ended.and_then(|()| session.verdict())
    }
}

/// What is kept of a session.
struct Session {
    output: Output,
    user: User,
    last_id: u64,
    /// Lines so far, and how many of them came to nothing.
    commands: u64,
    failed: u64,
}

impl Session {
    fn new() -> Self {
        Self {
            output: Output::stdout(),
            user: User::of_stdin(),
            last_id: 0,
            commands: 0,
            failed: 0,
        }
    }

    async fn converse(&mut self, exchange: &mut Exchange) -> Result<(), Failure> {
        while let Some(step) = exchange.next().await? {
            match step {
                Step::Line(line) if line.is_blank() => self.user.begin().await,
                Step::Line(line) => self.obey(line, exchange).await,
                Step::Frame(frame) => self.show(&frame).await?,
                Step::Interrupted => self.user.make_room().await,
            }
        }
        Ok(())
    }

    /// Does what a line says, or tells why not.
    async fn obey(&mut self, line: Line, exchange: &mut Exchange) {
        self.commands += 1;
        let done = match line.text.and_then(|text| read(&text)) {
            Ok(Command::Ask(request)) => exchange.ask(self.id(&request), request),
            Ok(Command::Tell(text)) => {
                note(&text).await;
                Ok(())
            }
            Ok(Command::Quit) => {
                exchange.end_input();
                Ok(())
            }
            Err(reason) => Err(reason),
        };
        if let Err(reason) = done {
            self.failed += 1;
            note(&format!("{reason}; `help` lists the commands")).await;
        }
        self.user.begin().await;
    }

    /// The id of a request: its own, if it has one, or the next one.
    fn id(&mut self, request: &DynamicMessage) -> u64 {
        self.last_id = match fields::number(request, "id") {
            0 => self.last_id.wrapping_add(1).max(1),
            id => id,
        };
        self.last_id
    }

    async fn show(&mut self, frame: &DynamicMessage) -> Result<(), Failure> {
        let reply = fields::message(frame, "reply");
        if reply.is_some_and(|reply| reply.has_field_by_name("error")) {
            self.failed += 1;
        }
        self.user.make_room().await;
        self.output.line(render::line(frame)?).await?;
        self.user.begin().await;
        Ok(())
    }

    /// At a terminal every failure was seen as it came.
    fn verdict(&self) -> Result<(), Failure> {
        match (self.user, self.failed) {
            (User::AtTerminal, _) | (_, 0) => Ok(()),
            (User::Script, failed) => Err(Failure::failed(format!(
                "{failed} of {} commands failed",
                self.commands
            ))),
        }
    }
}

/// Who gives the commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum User {
    /// Types them, and wants to see where.
    AtTerminal,
    /// Has written them before.
    Script,
}

impl User {
    fn of_stdin() -> Self {
        if std::io::stdin().is_terminal() {
            Self::AtTerminal
        } else {
            Self::Script
        }
    }

    /// Shows where to type.
    async fn begin(self) {
        if self == Self::AtTerminal {
            on_stderr("fanfare> ").await;
        }
    }

    /// Takes that away again, for what is printed on its line.
    async fn make_room(self) {
        if self == Self::AtTerminal {
            on_stderr("\r\x1b[K").await;
        }
    }
}
