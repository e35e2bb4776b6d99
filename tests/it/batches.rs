//! Several sends in one call, each with a result of its own.

use fanfare::rpc::client::{
    SendBatchRequest, SendBatchResponse, SendRequest, send_batch_result::Result as Outcome,
};
use tonic::{Code, Status};

use crate::support::{Client, assert_refused, node, send, sequence, subscribe, text, to};

async fn batch(
    client: &mut Client,
    requests: Vec<SendRequest>,
) -> Result<SendBatchResponse, Status> {
    let response = client.send_batch(SendBatchRequest { requests }).await;
    response.map(tonic::Response::into_inner)
}

fn numbers(response: &SendBatchResponse) -> Vec<Result<u64, i32>> {
    let results = response.results.iter();
    let number = |outcome: &Outcome| match outcome {
        Outcome::Response(sent) => Ok(sequence(sent)),
        Outcome::Error(error) => Err(error.code),
    };
    results
        .map(|result| number(result.result.as_ref().expect("a result")))
        .collect()
}

#[tokio::test]
async fn entries_are_applied_in_their_order() {
    let node = node().await;
    let mut client = node.client().await;
    let mut listener = subscribe(&mut client, to(["a", "b"])).await;
    let entry = |at: u32| text(["a", "b", "b"][at as usize % 3], "e", &at.to_string());
    let response = batch(&mut client, (0..1_000).map(entry).collect()).await;
    let numbers = numbers(&response.unwrap());
    let first = numbers[0].unwrap();
    let expected: Vec<_> = (first..first + 1_000).map(Ok).collect();
    assert_eq!(numbers, expected);
    for at in 0..1_000 {
        let event = listener.event().await;
        assert_eq!(event.channel, entry(at).channel);
        assert_eq!(event.payload, entry(at).payload);
    }
}

#[tokio::test]
async fn a_bad_entry_has_its_error_in_its_place_and_stops_nothing() {
    let node = node().await;
    let mut client = node.client().await;
    let once = SendRequest {
        request_id: "r".into(),
        ..text("a", "e", "1")
    };
    let other = SendRequest {
        request_id: "r".into(),
        ..text("a", "e", "2")
    };
    let requests = vec![
        once.clone(),
        text("", "e", "x"),
        once.clone(),
        other,
        text("a", "e", "3"),
    ];
    let response = batch(&mut client, requests).await.unwrap();
    let (invalid, exists) = (
        i32::from(Code::InvalidArgument),
        i32::from(Code::AlreadyExists),
    );
    let expected = [Ok(1), Err(invalid), Ok(1), Err(exists), Ok(2)];
    assert_eq!(numbers(&response), expected);
    let Some(Outcome::Error(error)) = &response.results[1].result else {
        panic!("{response:?}")
    };
    assert!(error.message.starts_with("channel: "), "{error:?}");
    assert!(!error.details.is_empty(), "{error:?}");
    let Some(Outcome::Response(again)) = &response.results[2].result else {
        panic!("{response:?}")
    };
    assert!(again.duplicate);
    assert!(send(&mut client, once).await.duplicate);
}

#[tokio::test]
async fn a_batch_over_its_bounds_sends_nothing() {
    let node = node().await;
    let mut client = node.client().await;
    let empty = batch(&mut client, Vec::new()).await.unwrap();
    assert_eq!(empty.results, []);
    let many = vec![text("a", "e", "x"); 1_001];
    let refused = batch(&mut client, many).await.unwrap_err();
    assert_refused(
        &refused,
        Code::InvalidArgument,
        "INVALID_REQUEST",
        "requests",
    );
    assert!(refused.message().contains("1000"), "{refused:?}");
    let large = "x".repeat((1 << 20) - 64);
    let fits = vec![text("a", "e", &large); 4];
    let over = [fits.clone(), vec![text("a", "e", &"x".repeat(512))]].concat();
    let refused = batch(&mut client, over).await.unwrap_err();
    assert_refused(
        &refused,
        Code::InvalidArgument,
        "INVALID_REQUEST",
        "requests",
    );
    assert!(refused.message().contains("4194304"), "{refused:?}");
    assert_eq!(node.hub.counts().channels, 0);
    assert_eq!(numbers(&batch(&mut client, fits).await.unwrap()).len(), 4);
}
