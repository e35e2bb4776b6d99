//! Runs the scenarios of `clients/conformance` with the stub and the client of
//! this library: see the README there.

#![allow(clippy::print_stdout, reason = "it is how a driver answers")]

mod door;
mod library;
mod matching;
mod messages;
mod scenario;
mod streams;
mod stub;

use std::collections::HashMap;
use std::process::ExitCode;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Scenarios that run at a time, beside the slow ones.
const AT_A_TIME: usize = 4;

/// What is wrong, in words.
pub(crate) type Result<T> = std::result::Result<T, String>;

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<bool> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut given: HashMap<_, _> = arguments
        .chunks(2)
        .filter_map(|pair| Some((pair[0].as_str(), pair.get(1)?.clone())))
        .collect();
    let mut take = |name: &str| given.remove(name).ok_or(format!("{name} is missing"));
    let (door, path) = (take("--door")?, take("--scenarios")?);
    let only = take("--only").unwrap_or_default();
    let text = std::fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
    let list: Value = serde_json::from_str(&text).map_err(|error| format!("{path}: {error}"))?;

    let turns = Arc::new(Semaphore::new(AT_A_TIME));
    let mut running = JoinSet::new();
    for scenario in list["scenarios"].as_array().into_iter().flatten().cloned() {
        let name = scenario["name"].as_str().unwrap_or_default().to_owned();
        if name.contains(&only) {
            let (turns, door) = (Arc::clone(&turns), door.clone());
            running.spawn(async move { told(&name, &one(scenario, &door, &turns).await) });
        }
    }
    Ok(running.join_all().await.into_iter().all(|ok| ok))
}

async fn one(scenario: Value, door: &str, turns: &Semaphore) -> Result<()> {
    let _turn = match scenario["slow"].as_bool() {
        Some(true) => None,
        _ => turns.acquire().await.ok(),
    };
    scenario::run(scenario, door).await
}

/// Says what became of a scenario, and whether it is well.
fn told(name: &str, outcome: &Result<()>) -> bool {
    let line = match outcome {
        Ok(()) => json!({"scenario": name, "ok": true}),
        Err(why) => json!({"scenario": name, "ok": false, "why": why}),
    };
    println!("{line}");
    outcome.is_ok()
}
