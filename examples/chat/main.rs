//! A chat in the terminal: who is there, how they are and what they say.
//!
//! `cargo run --example chat` plays a scene of three, as one of them sees it.
//! `cargo run --example chat -- Ada` enters the room of the node on
//! 127.0.0.1:50051, as often and from as many terminals as you like; a line is
//! said, `/status away` changes how you are, `/quit` leaves.
//!
//! Everything of a member is on one `Session`: see `member.rs`.

#[path = "../common/mod.rs"]
mod common;
mod member;
mod people;
mod session;

use std::io::Write;

use tokio::io::{AsyncBufRead, AsyncBufReadExt, BufReader};

use common::{Node, Result, connect};
pub(crate) use member::Member;

const ROOM: &str = "chat.lobby";
const ADDRESS: &str = "http://127.0.0.1:50051";

/// Three members, as Ada's terminal shows them.
pub(crate) async fn run(out: &mut impl Write) -> Result<()> {
    let node = Node::start().await?;
    let enter = |name| connect(&node.address).map(|client| Member::new(client, name, ROOM));

    let mut ada = enter("Ada")?;
    show(&mut ada, out).await?;
    let mut bob = enter("Bob")?;
    bob.next().await?;
    show(&mut ada, out).await?;
    bob.say("Hello!").await;
    show(&mut ada, out).await?;

    let mut cleo = enter("Cleo")?;
    cleo.next().await?;
    show(&mut ada, out).await?;
    cleo.change_status("away").await;
    show(&mut ada, out).await?;
    ada.say("Shall we wait?").await;
    show(&mut ada, out).await?;

    ada.cut();
    bob.say("Are you still there, Ada?").await;
    hear(&mut bob, "Bob: Are you still there, Ada?").await?;
    show(&mut ada, out).await?;
    show(&mut ada, out).await?;
    drop(bob);
    show(&mut ada, out).await?;
    Ok(())
}

async fn show(member: &mut Member, out: &mut impl Write) -> Result<()> {
    writeln!(out, "{}", member.next().await?)?;
    Ok(())
}

/// Waits until a member has seen a line.
async fn hear(member: &mut Member, line: &str) -> Result<()> {
    while member.next().await? != line {}
    Ok(())
}

/// Says what comes in and shows what comes back, until `/quit`.
pub(crate) async fn converse(
    mut member: Member,
    input: impl AsyncBufRead + Unpin,
    out: &mut impl Write,
) -> Result<()> {
    let mut lines = input.lines();
    loop {
        tokio::select! {
            line = member.next() => writeln!(out, "{}", line?)?,
            line = lines.next_line() => match line?.as_deref() {
                None | Some("/quit") => return Ok(()),
                Some(line) => match line.strip_prefix("/status ") {
                    Some(status) => member.change_status(status).await,
                    None => member.say(line).await,
                },
            },
        }
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let out = &mut std::io::stdout();
    match std::env::args().nth(1) {
        None => run(out).await,
        Some(name) => {
            let member = Member::new(connect(ADDRESS)?, &name, ROOM);
            converse(member, BufReader::new(tokio::io::stdin()), out).await
        }
    }
}
