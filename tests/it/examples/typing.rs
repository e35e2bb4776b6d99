//! What `typed_events` makes of what it is not sent by itself.

use fanfare::rpc::client::{Event, Payload};

use super::typed_events::{OrderPlaced, handle};

fn event(payload: Option<Payload>) -> Event {
    Event {
        name: "OrderPlaced".to_owned(),
        payload,
        ..Event::default()
    }
}

#[test]
fn a_type_is_known_whatever_stands_before_its_name() {
    let order = "7".to_owned();
    let mut payload = Payload::any(&OrderPlaced { order, cents: 1 });
    if let Some(fanfare::rpc::client::payload::Kind::Any(any)) = &mut payload.kind {
        any.type_url = "type.googleapis.com/shop.v1.OrderPlaced".to_owned();
    }
    let handled = handle(&event(Some(payload))).unwrap();
    assert_eq!(handled, "order 7 was placed for 1 cents");
}

#[test]
fn what_is_no_message_is_passed_over() {
    for payload in [None, Some(Payload::text("hi"))] {
        let handled = handle(&event(payload)).unwrap();
        assert_eq!(handled, "passed over \"OrderPlaced\": no message");
    }
}

#[test]
fn a_message_that_is_not_what_its_name_says_is_an_error() {
    let mut payload = Payload::any(&OrderPlaced::default());
    if let Some(fanfare::rpc::client::payload::Kind::Any(any)) = &mut payload.kind {
        any.value = vec![0xff];
    }
    handle(&event(Some(payload))).unwrap_err();
}
