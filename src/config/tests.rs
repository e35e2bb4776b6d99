use std::time::Duration;

use super::*;

fn file(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::Builder::new()
        .prefix("fanfare")
        .suffix(".toml")
        .tempfile()
        .unwrap();
    std::fs::write(&file, text).unwrap();
    file
}

fn flag(key: &str, value: &str) -> Flag {
    Flag {
        name: format!("--set {key}"),
        key: key.to_owned(),
        value: value.to_owned(),
    }
}

fn load(text: &str, environment: &[(&str, &str)], flags: &[(&str, &str)]) -> Result<Config, Error> {
    let file = file(text);
    Config::load(&Sources {
        file: Some(file.path().to_owned()),
        environment: environment
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        flags: flags.iter().map(|(key, value)| flag(key, value)).collect(),
    })
}

/// The error's text, with the file's random name replaced.
fn refusal(text: &str, environment: &[(&str, &str)], flags: &[(&str, &str)]) -> String {
    let error = load(text, environment, flags).expect_err("must be refused");
    let text = error.to_string();
    match (text.find("file "), text.find(".toml")) {
        (Some(start), Some(end)) => format!("{}file F{}", &text[..start], &text[end..]),
        _ => text,
    }
}

#[test]
fn without_any_layer_the_defaults_hold() {
    let config = Config::load(&Sources::default()).unwrap();
    assert_eq!(config, Config::default());
    assert_eq!(config.listen, "127.0.0.1:50051");
    assert_eq!(config.hub, hub::Limits::default());
}

#[test]
fn the_file_wins_over_the_default() {
    assert_eq!(load("log_events = 5", &[], &[]).unwrap().hub.log_events, 5);
}

#[test]
fn the_environment_wins_over_the_file() {
    let config = load("log_events = 5", &[("FANFARE_LOG_EVENTS", "6")], &[]).unwrap();
    assert_eq!(config.hub.log_events, 6);
}

#[test]
fn a_flag_wins_over_the_environment() {
    let environment = [("FANFARE_LOG_EVENTS", "6")];
    let config = load("log_events = 5", &environment, &[("log_events", "7")]).unwrap();
    assert_eq!(config.hub.log_events, 7);
}

#[test]
fn of_two_flags_for_one_setting_the_last_wins() {
    let flags = [("log_events", "7"), ("log_events", "8")];
    assert_eq!(load("", &[], &flags).unwrap().hub.log_events, 8);
}

#[test]
fn a_layer_leaves_what_it_does_not_name() {
    let environment = [("FANFARE_CHANNELS", "6")];
    let config = load("log_events = 5", &environment, &[("streams", "7")]).unwrap();
    assert_eq!((config.hub.log_events, config.hub.channels), (5, 6));
    assert_eq!(config.hub.streams, 7);
    assert_eq!(config.hub.members, hub::Limits::default().members);
}

#[test]
fn an_empty_variable_is_unset() {
    let environment = [("FANFARE_LOG_EVENTS", ""), ("FANFARE_CONFIG", "")];
    assert_eq!(
        load("log_events = 5", &environment, &[])
            .unwrap()
            .hub
            .log_events,
        5
    );
}

#[test]
fn every_setting_can_be_set_to_its_default_in_every_layer() {
    for setting in SETTINGS {
        let default = setting.default();
        let toml = match setting.unit() {
            "number" => format!("{} = {default}", setting.key),
            _ => format!("{} = {default:?}", setting.key),
        };
        let by_file = load(&toml, &[], &[]).unwrap();
        let by_variable = load("", &[(&setting.variable(), &default)], &[]).unwrap();
        let by_flag = load("", &[], &[(setting.key, &default)]).unwrap();
        for config in [by_file, by_variable, by_flag] {
            assert_eq!(config, Config::default(), "{}", setting.key);
        }
    }
}

#[test]
fn every_setting_has_its_own_place() {
    let mut seen = std::collections::HashSet::new();
    for setting in SETTINGS {
        let value = match setting.key {
            "listen" => "127.0.0.1:1",
            "log" => "debug",
            "log_format" => "json",
            "cors_origins" => "https://page.example",
            // Leaves the rules between two settings intact.
            "payload_bytes" | "profile_bytes" => "1KiB",
            "send_buffer" | "gather_buffer" => "32KiB",
            "log_bytes" => "4MiB",
            "node_bytes" | "list_bytes" => "16MiB",
            _ if setting.unit() == "duration" => "11s",
            _ => "17",
        };
        let config = load("", &[], &[(setting.key, value)]).unwrap();
        assert_ne!(config, Config::default(), "{} sets nothing", setting.key);
        assert!(seen.insert(format!("{config:?}")), "{}", setting.key);
    }
}

#[test]
fn a_setting_with_a_unit_is_read_in_any_of_its_forms() {
    for text in [
        "log_bytes = 16777216",
        "log_bytes = 16_777_216",
        "log_bytes = 0x1000000",
        "log_bytes = \"16777216\"",
        "log_bytes = \"16384KiB\"",
        "log_bytes = \"16 MiB\"",
    ] {
        assert_eq!(load(text, &[], &[]).unwrap().hub.log_bytes, 16 << 20);
    }
    for text in ["stream_age = \"90m\"", "stream_age = \"1h 30m\""] {
        let age = load(text, &[], &[]).unwrap().rpc.stream_age;
        assert_eq!(age, Duration::from_secs(5400));
    }
    for text in ["stream_age = 0", "stream_age = \"0s\""] {
        assert_eq!(load(text, &[], &[]).unwrap().rpc.stream_age, Duration::ZERO);
    }
    let json = load("log_format = \"json\"", &[], &[]).unwrap();
    assert_eq!(json.log_format, LogFormat::Json);
}

#[test]
fn a_value_out_of_range_names_layer_key_reason_and_range() {
    assert_eq!(
        refusal("# mine\n\nlog_events = 0", &[], &[]),
        "file F.toml, line 3: `log_events` is 0, too small; allowed: 1 to 1000000"
    );
    assert_eq!(
        refusal("", &[("FANFARE_HEARTBEAT", "6m")], &[]),
        "environment variable FANFARE_HEARTBEAT: `heartbeat` is 6m, too large; \
         allowed: 1s to 5m"
    );
    assert_eq!(
        refusal("", &[], &[("payload_bytes", "4MiB")]),
        "flag --set payload_bytes: `payload_bytes` is 4MiB, too large; allowed: 1KiB to 3MiB"
    );
    assert_eq!(
        refusal("", &[], &[("stream_age", "9s")]),
        "flag --set stream_age: `stream_age` is 9s, too small; allowed: 0s (off), 10s to 30days"
    );
    assert_eq!(
        refusal("", &[], &[("connection_streams", "4294967296")]),
        "flag --set connection_streams: `connection_streams` is 4294967296, too large; \
         allowed: 1 to 1000000"
    );
}

#[test]
fn the_ends_of_a_range_are_allowed() {
    for (key, value) in [
        ("heartbeat", "1s"),
        ("heartbeat", "5m"),
        ("stall_timeout", "1s"),
        ("stall_timeout", "1h"),
        ("leave_grace", "0s"),
        ("leave_grace", "1s"),
        ("leave_grace", "5m"),
        ("stream_channels", "1"),
        ("stream_channels", "100000"),
        ("stream_age", "10s"),
        ("stream_age", "30d"),
        ("drain_timeout", "20s"),
    ] {
        load("", &[], &[(key, value)]).unwrap();
    }
    let flags = [("payload_bytes", "3MiB"), ("log_bytes", "12MiB")];
    load("", &[], &flags).unwrap();
    for (key, value) in [
        ("drain_timeout", "20001ms"),
        ("payload_bytes", "3145729"),
        ("stall_timeout", "999ms"),
        ("heartbeat", "300001ms"),
        ("leave_grace", "300001ms"),
        ("leave_grace", "999ms"),
        ("stream_channels", "0"),
    ] {
        refusal("", &[], &[("log_bytes", "16MiB"), (key, value)]);
    }
}

#[test]
fn a_value_of_the_wrong_type_names_layer_key_reason_and_range() {
    for (text, expected) in [
        (
            "log_events = \"5\"",
            "`log_events` is the string \"5\", not a number; allowed: 1 to 1000000",
        ),
        (
            "log_events = 5.5",
            "`log_events` is of type float, not a number; allowed: 1 to 1000000",
        ),
        (
            "log_events = -5",
            "`log_events` is \"-5\", not a whole number of at most 64 bits; allowed: 1 to 1000000",
        ),
        (
            "log_age = 60",
            "`log_age` is \"60\", not a duration such as \"30s\" or \"5m\"; allowed: 1s to 1day",
        ),
        (
            "log_bytes = \"8MB\"",
            "`log_bytes` is \"8MB\", not a size in bytes such as 65536 or \"64KiB\"; \
             allowed: 4KiB to 1GiB",
        ),
        (
            "listen = 50051",
            "`listen` is the number 50051, not a string; allowed: HOST:PORT",
        ),
        (
            "listen = \"localhost\"",
            "`listen` is \"localhost\", not HOST:PORT; allowed: HOST:PORT",
        ),
        (
            "log_format = \"xml\"",
            "`log_format` is \"xml\", which is no format; allowed: text, json",
        ),
        (
            "log_format = true",
            "`log_format` is of type boolean, not a string; allowed: text, json",
        ),
    ] {
        let expected = format!("file F.toml, line 1: {expected}");
        assert_eq!(refusal(text, &[], &[]), expected);
    }
}

#[test]
fn a_size_that_no_machine_could_hold_is_refused() {
    for value in ["99999999999GiB", "18446744073709551616", "-1", "1e6", "+5"] {
        let text = refusal("", &[], &[("node_bytes", value)]);
        assert!(text.contains(value), "{text}");
    }
}

#[test]
fn a_bad_filter_is_named() {
    let text = refusal("", &[("FANFARE_LOG", "fanfare=loud")], &[]);
    let start = "environment variable FANFARE_LOG: `log` is \"fanfare=loud\": ";
    assert!(text.starts_with(start), "{text}");
    assert!(text.ends_with("; allowed: a tracing filter"), "{text}");
}

#[test]
fn an_unknown_key_gets_the_nearest_known_one() {
    assert_eq!(
        refusal("streams = 5\nlog_event = 5", &[], &[]),
        "file F.toml, line 2: unknown setting `log_event`; did you mean `log_events`?"
    );
    assert_eq!(
        refusal("", &[("FANFARE_LOG_EVENT", "5")], &[]),
        "environment variable FANFARE_LOG_EVENT: unknown setting `FANFARE_LOG_EVENT`; \
         did you mean `FANFARE_LOG_EVENTS`?"
    );
    assert_eq!(
        refusal("", &[], &[("heart_beat", "5s")]),
        "flag --set heart_beat: unknown setting `heart_beat`; did you mean `heartbeat`?"
    );
}

#[test]
fn a_key_near_to_none_is_sent_to_the_list() {
    assert_eq!(
        refusal("[tls]\ncert = \"x\"", &[], &[]),
        "file F.toml, line 1: unknown setting `tls`; `fanfare serve --help` lists them all"
    );
}

#[test]
fn the_first_thing_wrong_in_the_file_is_told_first() {
    let text = refusal("streams = 0\nchannels = 0\nbogus = 1", &[], &[]);
    assert!(text.contains("line 1: `streams`"), "{text}");
}

#[test]
fn variables_that_set_nothing_of_the_server_are_not_unknown() {
    let kubernetes = [
        ("FANFARE_SERVICE_HOST", "10.0.0.1"),
        ("FANFARE_SERVICE_PORT", "50051"),
        ("FANFARE_SERVICE_PORT_GRPC", "50051"),
        ("FANFARE_PORT", "tcp://10.0.0.1:50051"),
        ("FANFARE_PORT_50051_TCP_ADDR", "10.0.0.1"),
    ];
    load("", &kubernetes, &[]).unwrap();
    load("", &[("FANFARE_ADDRESS", "x"), ("HOME", "x")], &[]).unwrap();
    load(
        "",
        &[("FANFARE_CONFIG", "passed over: a flag names one")],
        &[],
    )
    .unwrap();
}

#[test]
fn a_variable_can_name_the_file() {
    let file = file("log_events = 5");
    let path = file.path().to_str().unwrap().to_owned();
    let config = Config::load(&Sources {
        environment: vec![("FANFARE_CONFIG".to_owned(), path)],
        ..Sources::default()
    });
    assert_eq!(config.unwrap().hub.log_events, 5);
}

#[test]
fn a_file_that_is_not_there_names_who_asked_for_it() {
    let environment = vec![("FANFARE_CONFIG".to_owned(), "nowhere.toml".to_owned())];
    let sources = Sources {
        environment,
        ..Sources::default()
    };
    let text = Config::load(&sources).unwrap_err().to_string();
    let start = "cannot read nowhere.toml (named by FANFARE_CONFIG): ";
    assert!(text.starts_with(start), "{text}");
}

#[test]
fn a_file_that_is_not_toml_names_its_line() {
    for text in ["streams = 5\nlog_events 5", "streams = 5\nstreams = 6"] {
        let text = refusal(text, &[], &[]);
        assert!(
            text.starts_with("file F.toml, line 2: not TOML: "),
            "{text}"
        );
    }
}

#[test]
fn a_log_of_less_than_four_payloads_names_both_keys() {
    assert_eq!(
        refusal("log_bytes = \"3MiB\"", &[], &[]),
        "`log_bytes` is 3MiB (file F.toml, line 1), but must be at least 4 x `payload_bytes`, \
         which is 1MiB (default); allowed: at least 4MiB"
    );
    load("log_bytes = \"4MiB\"", &[], &[]).unwrap();
}

#[test]
fn a_node_smaller_than_a_log_names_both_keys() {
    let environment = [("FANFARE_NODE_BYTES", "7MiB")];
    assert_eq!(
        refusal("", &environment, &[("log_bytes", "8MiB")]),
        "`node_bytes` is 7MiB (environment variable FANFARE_NODE_BYTES), but must be at least \
         `log_bytes`, which is 8MiB (flag --set log_bytes); allowed: at least 8MiB"
    );
}

#[test]
fn a_rule_takes_what_it_leaves_out_from_the_final_settings() {
    let text = "log_events = 5\n\n[[channel]]\npattern = \"orders.>\"\nage = \"10m\"\n\n\
                [[channel]]\npattern = \"orders.7\"\nevents = 100_000\nbytes = \"32MiB\"";
    let environment = [("FANFARE_LOG_BYTES", "16MiB"), ("FANFARE_LOG_EVENTS", "6")];
    let config = load(text, &environment, &[("log_events", "7")]).unwrap();
    let rule = |pattern: &str, log_events, log_bytes, seconds| hub::Rule {
        pattern: crate::model::Pattern::new(pattern).unwrap(),
        log_events,
        log_bytes,
        log_age: Duration::from_secs(seconds),
    };
    assert_eq!(
        config.hub.rules,
        [
            rule("orders.>", 7, 16 << 20, 600),
            rule("orders.7", 100_000, 32 << 20, 60),
        ]
    );
    assert_eq!((config.hub.log_events, config.hub.log_bytes), (7, 16 << 20));
}

#[test]
fn a_rule_may_stand_on_one_line() {
    let text = "channel = [{ pattern = \"a\", events = 1 }, { pattern = \">\", events = 2 }]";
    let events: Vec<_> = load(text, &[], &[]).unwrap().hub.rules;
    let events: Vec<_> = events.iter().map(|rule| rule.log_events).collect();
    assert_eq!(events, [1, 2]);
}

#[test]
fn a_wrong_rule_names_its_place() {
    for (rule, expected) in [
        (
            "pattern = \"a\"\nevnts = 5",
            "line 6: unknown setting `channel[1].evnts`; did you mean `events`?",
        ),
        (
            "pattern = \"a\"\nretention = 5",
            "line 6: unknown setting `channel[1].retention`; \
             there are `pattern`, `events`, `bytes`, `age`",
        ),
        (
            "events = 5",
            "line 4: `channel[1].pattern` is missing; \
             allowed: a channel's name or a pattern, as \"orders.>\", each once",
        ),
        (
            "pattern = 5",
            "line 5: `channel[1].pattern` is the number 5, not a string; \
             allowed: a channel's name or a pattern, as \"orders.>\", each once",
        ),
        (
            "pattern = \"a..b\"\nevents = 5",
            "line 5: `channel[1].pattern` is \"a..b\": has an empty segment: \
             no dot first, last or doubled; \
             allowed: a channel's name or a pattern, as \"orders.>\", each once",
        ),
        (
            "events = 5\npattern = \"first\"",
            "line 6: `channel[1].pattern` is \"first\", as that of channel[0]; \
             allowed: a channel's name or a pattern, as \"orders.>\", each once",
        ),
        (
            "pattern = \"a\"",
            "line 4: `channel[1]` sets nothing; \
             allowed: at least one of `events`, `bytes`, `age`",
        ),
        (
            "pattern = \"a\"\nevents = 0",
            "line 6: `channel[1].events` is 0, too small; allowed: 1 to 1000000",
        ),
        (
            "pattern = \"a\"\nage = 60",
            "line 6: `channel[1].age` is \"60\", not a duration such as \"30s\" or \"5m\"; \
             allowed: 1s to 1day",
        ),
    ] {
        let text = format!("[[channel]]\npattern = \"first\"\nevents = 1\n[[channel]]\n{rule}");
        let expected = format!("file F.toml, {expected}");
        assert_eq!(refusal(&text, &[], &[]), expected);
    }
}

#[test]
fn a_rule_that_is_no_table_is_sent_to_the_tables() {
    for text in ["channel = 5", "channel = [5]", "[channel]\nevents = 5"] {
        assert_eq!(
            refusal(text, &[], &[]),
            "file F.toml, line 1: unknown setting `channel`; \
             channels have `[[channel]]` tables, in the TOML file only"
        );
    }
    load("channel = []", &[], &[]).unwrap();
}

#[test]
fn the_log_of_a_rule_holds_four_payloads_and_fits_into_the_node() {
    let rule = |bytes| format!("[[channel]]\npattern = \"a\"\nbytes = \"{bytes}\"");
    assert_eq!(
        refusal(&rule("4MiB"), &[], &[("payload_bytes", "2MiB")]),
        "`channel[0].bytes` is 4MiB (file F.toml, line 3), but must be at least \
         4 x `payload_bytes`, which is 2MiB (flag --set payload_bytes); allowed: at least 8MiB"
    );
    assert_eq!(
        refusal(&rule("512MiB"), &[], &[]),
        "`node_bytes` is 256MiB (default), but must be at least `channel[0].bytes`, \
         which is 512MiB (file F.toml, line 3); allowed: at least 512MiB"
    );
    load(&rule("256MiB"), &[], &[]).unwrap();
}

#[test]
fn the_table_has_a_row_for_every_setting() {
    let table = table();
    assert_eq!(table.lines().count(), SETTINGS.len() + 2);
    assert!(table.contains(
        "| `log_bytes` | bytes | `8MiB` | 4KiB to 1GiB | \
         Bytes a channel's log keeps, at least 4 x `payload_bytes` |"
    ));
    assert!(table.contains("| `leave_grace` | duration | `0s` | 0s (off), 1s to 5m | "));
    assert!(help().contains("  stream_age = 0s  [0s (off), 10s to 30days]\n"));
}
