//! The verbs of the command line, one file each, and what they share.
//!
//! `serve` runs a node. The others are clients: each builds a request as JSON,
//! makes the call, and prints what comes back as JSON, one object a line. They
//! know the messages from their descriptors, not from generated types.

mod address;
mod broadcast;
mod call;
mod codec;
mod exact;
mod failure;
mod json;
mod members;
mod output;
mod payload;
mod render;
mod send;
mod serve;
mod subscribe;

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
    /// Send one event to a channel.
    #[command(after_help = "\
Examples:
  fanfare send technology-chat chat-message '{\"text\": \"hello\"}'
  fanfare send technology-chat chat-message --text hello --request-id order-17
  jq -c .order order.json | fanfare send orders created -

Prints the response as one line of JSON.")]
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
    /// Listen to channels and broadcasts until Ctrl-C.
    #[command(after_help = "\
Examples:
  fanfare subscribe technology-chat --data '{\"name\": \"Ada\"}'
  fanfare subscribe orders invoices --observe --event created --no-broadcasts
  fanfare subscribe                              broadcasts only

Prints one line of JSON a frame.")]
    Subscribe(subscribe::Args),
}

impl Cli {
    /// Runs the verb to its end.
    pub(crate) async fn run(self) -> Result<(), Failure> {
        match self.verb.unwrap_or(Verb::Serve(self.serve)) {
            Verb::Serve(args) => args.run().await,
            Verb::Send(args) => args.run().await,
            Verb::Broadcast(args) => args.run().await,
            Verb::Members(args) => args.run().await,
            Verb::Subscribe(args) => args.run().await,
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
            "fanfare broadcast e --binary AA==",
        ] {
            parse(line).unwrap();
        }
        for line in [
            "fanfare send c e 1 --text hi",
            "fanfare send c e --text hi --binary AA==",
            "fanfare broadcast e {} --any {}",
        ] {
            parse(line).unwrap_err();
        }
    }

    #[test]
    fn every_verb_has_an_example() {
        for verb in Cli::command().get_subcommands() {
            let help = verb.get_after_help().unwrap().to_string();
            let example = format!("\n  fanfare {} ", verb.get_name());
            assert!(help.contains(&example), "{help}");
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
    }
}
