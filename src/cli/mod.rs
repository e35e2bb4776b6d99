//! The verbs of the command line, one file each, and what they share.
//!
//! `serve` runs a node. The others are clients: each builds a request as JSON,
//! makes the call, and prints what comes back as JSON, one object a line. They
//! know the messages from their descriptors, not from generated types.

mod bench;
mod broadcast;
mod call;
mod channels;
mod codec;
mod command;
mod exact;
mod exchange;
mod failure;
mod fields;
mod follow;
mod history;
mod json;
mod lines;
mod members;
mod output;
mod pages;
mod payload;
mod position;
mod progress;
mod render;
mod send;
mod send_lines;
mod serve;
mod session;
mod subscribe;
mod update;

use clap::{Parser, Subcommand};

pub(crate) use failure::{Failure, explain};

/// Realtime fan-out for backends: channels, broadcast and members over gRPC.
///
/// Without a verb it serves, with the options of `serve`.
#[derive(Debug, Parser)]
#[command(
    name = "fanfare",
    version,
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  fanfare                                        run a node on 127.0.0.1:50051
  fanfare subscribe technology-chat              in a second terminal
  fanfare send technology-chat greeting '\"hi\"'   in a third"
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    verb: Option<Verb>,
    #[command(flatten)]
    serve: serve::Args,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Run a node until SIGTERM or Ctrl-C.
    #[command(
        after_help = "\
Examples:
  fanfare serve --listen 0.0.0.0:50051
  fanfare serve --config fanfare.toml --set log_age=5m --log info,fanfare=debug",
        after_long_help = serve::settings_help()
    )]
    Serve(serve::Args),
    /// Send one event to a channel, or one for each line of stdin.
    #[command(
        override_usage = "\
fanfare send [OPTIONS] <CHANNEL> <EVENT> [PAYLOAD]
       fanfare send [OPTIONS] --stdin[=FORM] [CHANNEL] [EVENT]",
        after_help = "\
Examples:
  fanfare send technology-chat chat-message '{\"text\": \"hello\"}'
  fanfare send technology-chat chat-message --text hello --request-id order-17
  jq -c .order order.json | fanfare send orders created -
  fanfare send --stdin < requests.jsonl
  jq -c '.[]' orders.json | fanfare send orders created --stdin=json
  tail -f app.log | fanfare send logs line --stdin=text

A line of requests.jsonl, as grpcurl takes it:
  {\"channel\": \"orders\", \"event\": \"created\", \"payload\": {\"json\": {\"id\": 17}}}

Prints the response as one line of JSON. With --stdin that is the counts at the
end, after which it exits with 1 if any line failed; stderr says which and why.
A first Ctrl-C ends the input, a second one the waiting for answers."
    )]
    Send(send::Args),
    /// Send one event to every connected subscriber.
    #[command(after_help = "\
Example:
  fanfare broadcast maintenance '{\"in_minutes\": 5}'

Prints the response as one line of JSON.")]
    Broadcast(broadcast::Args),
    /// List who is in a channel.
    #[command(after_help = "\
Example:
  fanfare members technology-chat

Prints one line of JSON a member, in the order they joined.")]
    Members(members::Args),
    /// Change the profile of a connected member.
    #[command(after_help = "\
Examples:
  fanfare update c6f21f28-8f87-4790-92f0-26f52f59477c '{\"status\": \"away\"}' --merge
  fanfare update c6f21f28-8f87-4790-92f0-26f52f59477c '{\"name\": \"Ada\"}'

Prints the member as one line of JSON.")]
    Update(update::Args),
    /// List the active channels.
    #[command(after_help = "\
Examples:
  fanfare channels 'orders.>'
  fanfare channels --address 10.0.0.7:50051

Prints one line of JSON a channel.")]
    Channels(channels::Args),
    /// List the events that a channel's log still holds.
    #[command(after_help = "\
Examples:
  fanfare history technology-chat
  fanfare history orders --descending --limit 10
  fanfare history orders --after 5bcf85a7fae04908866fc7a206b5a077:12

Prints one line of JSON an event. On stderr it says what is missing, and at the
end the position for `fanfare subscribe --resume` to go on from.")]
    History(history::Args),
    /// Listen to channels and broadcasts until Ctrl-C.
    #[command(after_help = "\
Examples:
  fanfare subscribe technology-chat --data '{\"name\": \"Ada\"}'
  fanfare subscribe orders invoices --observe --event created --no-broadcasts
  fanfare subscribe 'orders.>' --last 10 --follow
  fanfare subscribe orders --resume 5bcf85a7fae04908866fc7a206b5a077:12
  fanfare subscribe                              broadcasts only

Prints one line of JSON a frame. With --follow it says on stderr when it comes
back, and what was lost meanwhile is a frame, `gap`.")]
    Subscribe(subscribe::Args),
    /// Subscribe and send on one stream, by commands from stdin.
    #[command(after_help = "\
Examples:
  fanfare session
  fanfare session < commands.txt

Type `help` for the commands, or a request as JSON. Prints one line of JSON a
frame. The input ends with `quit`, Ctrl-D or Ctrl-C; what was asked for is still
answered. Commands that are not typed at a terminal make it exit with 1 if one
of them fails.")]
    Session(session::Args),
    /// Put a load on a server, and tell what it took.
    #[command(after_help = bench::EXAMPLES, after_long_help = bench::long_help())]
    Bench(bench::Args),
}

impl Cli {
    /// Runs the verb to its end.
    pub(crate) async fn run(self) -> Result<(), Failure> {
        match self.verb.unwrap_or(Verb::Serve(self.serve)) {
            Verb::Serve(args) => args.run().await,
            Verb::Send(args) => args.run().await,
            Verb::Broadcast(args) => args.run().await,
            Verb::Members(args) => args.run().await,
            Verb::Update(args) => args.run().await,
            Verb::Channels(args) => args.run().await,
            Verb::History(args) => args.run().await,
            Verb::Subscribe(args) => args.run().await,
            Verb::Session(args) => args.run().await,
            Verb::Bench(args) => args.run().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(line.split(' '))
    }

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn serve_is_the_default_verb() {
        assert!(parse("fanfare").unwrap().verb.is_none());
        assert!(parse("fanfare --listen [::1]:0").unwrap().verb.is_none());
        let serve = parse("fanfare serve --listen [::1]:0").unwrap();
        assert!(matches!(serve.verb, Some(Verb::Serve(_))));
    }

    #[test]
    fn a_payload_comes_in_one_form() {
        for line in [
            "fanfare send c e 1",
            "fanfare send c e -1.5",
            "fanfare send c e -",
            "fanfare send c e",
            "fanfare send c e --text -",
            "fanfare send c e --stdin",
            "fanfare send --stdin=json c",
            "fanfare send --stdin --request-id r",
            "fanfare broadcast e --binary AA==",
        ] {
            parse(line).unwrap();
        }
        for line in [
            "fanfare send c e 1 --text hi",
            "fanfare send c e --text hi --binary AA==",
            "fanfare broadcast e {} --any {}",
            "fanfare send c e 1 --stdin",
            "fanfare send c e --stdin --text hi",
            "fanfare send --stdin=xml c e",
            "fanfare broadcast e --stdin",
        ] {
            parse(line).unwrap_err();
        }
    }

    #[test]
    fn every_verb_has_an_example() {
        let cli = Cli::command();
        let verbs = cli.get_subcommands().flat_map(|verb| {
            let below = verb.get_subcommands();
            let below =
                below.map(|below| (format!("{} {}", verb.get_name(), below.get_name()), below));
            std::iter::once((verb.get_name().to_owned(), verb)).chain(below)
        });
        for (name, verb) in verbs {
            let help = verb.get_after_help().unwrap().to_string();
            assert!(help.contains(&format!("\n  fanfare {name} ")), "{help}");
        }
    }

    #[test]
    fn the_long_help_of_serve_lists_every_setting() {
        let mut cli = Cli::command();
        let serve = cli.find_subcommand_mut("serve").unwrap();
        let help = serve.render_long_help().to_string();
        for setting in fanfare::config::SETTINGS {
            assert!(help.contains(&format!("\n  {} = ", setting.key)), "{help}");
        }
        assert!(help.contains("\n  [[channel]]\n"), "{help}");
    }
}
