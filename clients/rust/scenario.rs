//! One scenario: its node, its streams, and the steps.

use std::collections::HashMap;
use std::pin::Pin;
use std::time::Duration;

use fanfare::Client;
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use super::Result;
use super::door::Node;
use super::library;
use super::matching::{Names, filled, matched, short};
use super::streams::Stream;
use super::stub::{self, Answer, Stubs};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Keys whose values are matched, and filled then.
const MATCHED: [&str; 3] = ["expect", "error", "frames"];

/// The keys of each verb's steps; `open` has a `call` too, so the order counts.
const VERBS: [(&str, &[&str]); 14] = [
    ("repeat", &["steps"]),
    ("open", &["call", "request", "connection", "deadline_ms"]),
    ("follow", &["request"]),
    ("session", &[]),
    ("ask", &["request", "expect", "error"]),
    ("write", &["request"]),
    ("finish", &[]),
    ("cancel", &[]),
    ("read", &["frames"]),
    ("account", &["after", "through", "gaps"]),
    ("ended", &["error", "skipping"]),
    ("control", &["expect"]),
    ("wait_ms", &[]),
    (
        "call",
        &[
            "request",
            "expect",
            "error",
            "connection",
            "deadline_ms",
            "via",
        ],
    ),
];

struct Scenario<'a> {
    node: &'a Node,
    client: Client,
    stubs: Stubs,
    streams: HashMap<String, Stream>,
    names: Names,
}

pub(crate) async fn run(scenario: Value, door: &str) -> Result<()> {
    let node = Node::start(door, &scenario["node"]).await?;
    let client = Client::lazy(&node.address).map_err(|error| error.to_string())?;
    let mut running = Scenario {
        stubs: Stubs::new(&node.address, scenario["connections"].clone()),
        node: &node,
        client,
        streams: HashMap::new(),
        names: Names::new(),
    };
    let outcome = running.steps(&scenario["steps"], "step ").await;
    drop(running);
    outcome.and(node.delete().await)
}

impl Scenario<'_> {
    /// Boxed, since steps may hold steps.
    fn steps<'a>(
        &'a mut self,
        steps: &'a Value,
        place: &'a str,
    ) -> Pin<Box<dyn Future<Output = Result<()>> + Send + 'a>> {
        Box::pin(async move {
            for (index, step) in steps.as_array().into_iter().flatten().enumerate() {
                let place = format!("{place}{}", index + 1);
                let verb = verb(step).map_err(|why| format!("{place}: {why}"))?;
                if verb == "repeat" {
                    self.repeat(step, &place).await?;
                    continue;
                }
                let wait = Duration::from_millis(step["wait_ms"].as_u64().unwrap_or_default());
                let done = timeout(PATIENCE + wait, self.step(verb, step)).await;
                let done = done.unwrap_or_else(|_| Err(format!("waited {PATIENCE:?}")));
                done.map_err(|why| format!("{place}, {verb} {}: {why}", step[verb]))?;
            }
            Ok(())
        })
    }

    async fn repeat(&mut self, step: &Value, place: &str) -> Result<()> {
        for round in 1..=step["repeat"].as_u64().unwrap_or_default() {
            self.names.insert("i".to_owned(), json!(round.to_string()));
            let place = format!("{place}, round {round}, step ");
            self.steps(&step["steps"], &place).await?;
        }
        Ok(())
    }

    async fn step(&mut self, verb: &str, step: &Value) -> Result<()> {
        let step = &self.prepared(step)?;
        let name = step[verb].as_str().unwrap_or_default();
        match verb {
            "open" => {
                let stream = Stream::open(self.stubs.of(step)?, step)?;
                self.streams.insert(name.to_owned(), stream);
            }
            "follow" => {
                let stream = Stream::follow(&self.client, step).await?;
                self.streams.insert(name.to_owned(), stream);
            }
            "session" => {
                let opened = self.client.session().await;
                let (session, frames) = opened.map_err(|error| error.to_string())?;
                let stream = Stream::Asked(session, Box::new(frames));
                self.streams.insert(name.to_owned(), stream);
            }
            "ask" => {
                let Stream::Asked(session, _) = self.stream(name)? else {
                    return Err("it is no session of the library".to_owned());
                };
                let session = session.clone();
                let answer = library::ask(&self.client, &session, step).await?;
                return self.answered(step, answer);
            }
            "write" => return self.stream(name)?.write(step).await,
            "finish" => self.stream(name)?.finish(),
            "cancel" => *self.stream(name)? = Stream::Cancelled,
            "read" => return self.read(name, &step["frames"]).await,
            "account" => return self.account(name, step).await,
            "ended" => return self.ended(name, step).await,
            "control" => {
                let answer = self.node.operate(step).await?;
                return self.answered(step, Ok(answer));
            }
            "wait_ms" => {
                let millis = step["wait_ms"].as_u64().ok_or("wait_ms is no number")?;
                sleep(Duration::from_millis(millis)).await;
            }
            "call" => return self.call(step).await,
            other => return Err(format!("no verb {other} is known")),
        }
        Ok(())
    }

    /// With all filled in but what is matched, which is filled as it is.
    fn prepared(&self, step: &Value) -> Result<Value> {
        let fields = step.as_object().into_iter().flatten();
        let fields = fields.map(|(key, value)| {
            let is_matched = MATCHED.contains(&key.as_str());
            let filled = || filled(value, &self.names);
            let value = if is_matched {
                Ok(value.clone())
            } else {
                filled()
            };
            Ok((key.clone(), value?))
        });
        Ok(Value::Object(fields.collect::<Result<_>>()?))
    }

    fn stream(&mut self, name: &str) -> Result<&mut Stream> {
        let stream = self.streams.get_mut(name);
        stream.ok_or(format!("no stream {name} was opened"))
    }

    async fn call(&mut self, step: &Value) -> Result<()> {
        let answer = match step["via"].as_str() {
            None => stub::call(self.stubs.of(step)?, step).await?,
            Some("client") => library::call(&self.client, step).await?,
            Some(other) => return Err(format!("via {other} is unknown")),
        };
        self.answered(step, answer)
    }

    fn answered(&mut self, step: &Value, answer: Answer) -> Result<()> {
        match (answer, step.get("error")) {
            (Ok(answer), None) => {
                let expected = step.get("expect").cloned().unwrap_or(json!({}));
                matched(&expected, &answer, &mut self.names)
            }
            (Err(error), Some(expected)) => matched(expected, &error, &mut self.names),
            (Ok(answer), Some(expected)) => {
                Err(format!("expected {expected}, got {}", short(&answer)))
            }
            (Err(error), None) => Err(short(&error)),
        }
    }

    /// The next frame, past what is unremarkable and not wanted.
    async fn frame(&mut self, name: &str, wanted: &Value) -> Result<Answer> {
        let stream = self.stream(name)?;
        let skipped: &[&str] = if stream.is_of_library() {
            &["ready", "heartbeat", "closing"]
        } else {
            &["heartbeat"]
        };
        loop {
            let frame = match stream.next().await? {
                Ok(frame) => frame,
                Err(error) => return Ok(Err(error)),
            };
            let kind = frame.as_object().and_then(|frame| frame.keys().next());
            let is_wanted =
                |kind: &String| !skipped.contains(&kind.as_str()) || wanted.get(kind).is_some();
            if kind.is_some_and(is_wanted) {
                return Ok(Ok(frame));
            }
        }
    }

    async fn read(&mut self, name: &str, frames: &Value) -> Result<()> {
        for (index, expected) in frames.as_array().into_iter().flatten().enumerate() {
            let wrong = |why: String| format!("frame {}: {why}", index + 1);
            let frame = self.frame(name, expected).await.map_err(wrong)?;
            let frame = frame.map_err(|error| wrong(format!("it ended: {}", short(&error))))?;
            matched(expected, &frame, &mut self.names).map_err(wrong)?;
        }
        Ok(())
    }

    async fn account(&mut self, name: &str, step: &Value) -> Result<()> {
        let (mut next, through) = (number(&step["after"])? + 1, number(&step["through"])?);
        let mut gaps = false;
        while next <= through {
            let frame = self.frame(name, &Value::Null).await?;
            let frame = frame.map_err(|error| format!("it ended: {}", short(&error)))?;
            let gap =
                (frame.get("gap")).map(|gap| (number(&gap["after"]), number(&gap["through"])));
            match (frame.get("event"), gap) {
                (Some(event), _) if number(&event["sequence"]) == Ok(next) => next += 1,
                (_, Some((Ok(after), Ok(end)))) if after < next && next <= end => {
                    next = end + 1;
                    gaps = true;
                }
                _ => return Err(format!("expected number {next}, got {}", short(&frame))),
            }
        }
        match step["gaps"].as_bool() {
            Some(expected) if expected == gaps => Ok(()),
            other => Err(format!("gaps were {gaps}, expected {other:?}")),
        }
    }

    async fn ended(&mut self, name: &str, step: &Value) -> Result<()> {
        loop {
            match self.frame(name, &Value::Null).await? {
                Err(error) => return matched(&step["error"], &error, &mut self.names),
                Ok(frame) if frame.get("closing").is_some() || step["skipping"] == true => {}
                Ok(frame) => return Err(format!("expected the end, got {}", short(&frame))),
            }
        }
    }
}

/// The verb of a step, all of whose keys are known.
fn verb(step: &Value) -> Result<&'static str> {
    let found = VERBS.iter().find(|(verb, _)| step.get(verb).is_some());
    let (verb, keys) = found.ok_or(format!("no verb in {step}"))?;
    let mut all = step.as_object().into_iter().flatten();
    match all.find(|(key, _)| key != verb && !keys.contains(&key.as_str())) {
        Some((key, _)) => Err(format!("{verb} has an unknown key {key}")),
        None => Ok(verb),
    }
}

/// A number of 64 bits as proto3 JSON has it; 0 is left out.
fn number(value: &Value) -> Result<u64> {
    match value {
        Value::Null => Ok(0),
        Value::String(text) => text.parse().map_err(|error| format!("{text}: {error}")),
        other => other.as_u64().ok_or(format!("{other} is no number")),
    }
}
