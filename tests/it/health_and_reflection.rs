//! What tools ask a node: is it well, and what does it speak?

use prost::Message;
use prost_types::FileDescriptorProto;
use tonic::Code;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

use crate::support::{Node, PATIENCE, node};
use crate::wire_support::channel;

const SERVICE: &str = "fanfare.v1.RealtimeService";

async fn health(node: &Node) -> HealthClient<tonic::transport::Channel> {
    HealthClient::new(channel(node).await)
}

fn of(service: &str) -> HealthCheckRequest {
    HealthCheckRequest {
        service: service.into(),
    }
}

#[tokio::test]
async fn a_running_node_serves_as_a_whole_and_by_service() {
    let node = node().await;
    let mut health = health(&node).await;
    for service in ["", SERVICE] {
        let answer = health.check(of(service)).await.unwrap().into_inner();
        assert_eq!(answer.status(), ServingStatus::Serving, "{service:?}");
    }
    let refused = health.check(of("fanfare.v1.Nothing")).await.unwrap_err();
    assert_eq!(refused.code(), Code::NotFound);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_watches_hears_that_the_node_shuts_down() {
    let mut node = node().await;
    let mut health = health(&node).await;
    let mut watched = Vec::new();
    for service in ["", SERVICE] {
        let mut stream = health.watch(of(service)).await.unwrap().into_inner();
        let first: HealthCheckResponse = stream.message().await.unwrap().unwrap();
        assert_eq!(first.status(), ServingStatus::Serving);
        watched.push(stream);
    }
    node.stop();
    for mut stream in watched {
        let next = tokio::time::timeout(PATIENCE, stream.message()).await;
        let next = next.unwrap().unwrap().unwrap();
        assert_eq!(next.status(), ServingStatus::NotServing);
    }
}

/// What a reflection of the node says, in one of its two versions.
macro_rules! reflection {
    ($version:ident) => {
        mod $version {
            use tonic_reflection::pb::$version as pb;

            use pb::server_reflection_client::ServerReflectionClient;
            use pb::server_reflection_request::MessageRequest;
            use pb::server_reflection_response::MessageResponse;

            use crate::support::Node;
            use crate::wire_support::channel;

            pub(super) async fn ask(node: &Node, request: MessageRequest) -> MessageResponse {
                let mut client = ServerReflectionClient::new(channel(node).await);
                let request = pb::ServerReflectionRequest {
                    host: String::new(),
                    message_request: Some(request),
                };
                let requests = tokio_stream::once(request);
                let answers = client.server_reflection_info(requests).await;
                let answer = answers.unwrap().into_inner().message().await.unwrap();
                answer.unwrap().message_response.unwrap()
            }

            pub(super) async fn services(node: &Node) -> Vec<String> {
                let answer = ask(node, MessageRequest::ListServices(String::new())).await;
                let MessageResponse::ListServicesResponse(list) = answer else {
                    panic!("{answer:?}")
                };
                list.service
                    .into_iter()
                    .map(|service| service.name)
                    .collect()
            }

            pub(super) async fn files_with(node: &Node, symbol: &str) -> Vec<Vec<u8>> {
                let request = MessageRequest::FileContainingSymbol(symbol.to_owned());
                let answer = ask(node, request).await;
                let MessageResponse::FileDescriptorResponse(files) = answer else {
                    panic!("{symbol}: {answer:?}")
                };
                files.file_descriptor_proto
            }
        }
    };
}

reflection!(v1);
reflection!(v1alpha);

fn assert_lists(mut services: Vec<String>) {
    services.sort();
    let here = |name: &str| services.iter().any(|service| service == name);
    assert!(
        here(SERVICE) && here("grpc.health.v1.Health"),
        "{services:?}"
    );
}

/// Whether one of these files describes `symbol`, which is at its top level.
fn assert_describes(files: &[Vec<u8>], symbol: &str) {
    let files = files
        .iter()
        .map(|file| FileDescriptorProto::decode(&**file).unwrap());
    let found = files.into_iter().any(|file| {
        let services = file
            .service
            .iter()
            .map(prost_types::ServiceDescriptorProto::name);
        let messages = file
            .message_type
            .iter()
            .map(prost_types::DescriptorProto::name);
        services
            .chain(messages)
            .any(|name| format!("{}.{name}", file.package()) == symbol)
    });
    assert!(found, "{symbol}");
}

/// The service, what it sends, and what its errors carry.
const SYMBOLS: [&str; 9] = [
    SERVICE,
    "fanfare.v1.SubscribeRequest",
    "google.protobuf.Value",
    "google.protobuf.Any",
    "grpc.health.v1.Health",
    "google.rpc.ErrorInfo",
    "google.rpc.BadRequest",
    "google.rpc.RetryInfo",
    "google.rpc.QuotaFailure",
];

#[tokio::test]
async fn reflection_describes_the_service_and_its_errors() {
    let node = node().await;
    assert_lists(v1::services(&node).await);
    for symbol in SYMBOLS {
        assert_describes(&v1::files_with(&node, symbol).await, symbol);
    }
}

#[tokio::test]
async fn the_older_reflection_says_the_same() {
    let node = node().await;
    assert_lists(v1alpha::services(&node).await);
    for symbol in SYMBOLS {
        assert_describes(&v1alpha::files_with(&node, symbol).await, symbol);
    }
}
