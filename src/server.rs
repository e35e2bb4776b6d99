//! The service on a listener, from start to drained.
//!
//! The only place that knows every layer: it builds the hub, puts the gRPC
//! services before it and the transport before those, and at the end lets
//! streams, calls and connections go in this order.

use tonic::server::NamedService;
use tonic::service::Routes;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use crate::config::Config;
use crate::hub::{Clock, Hub};
use crate::rpc::{self, RealtimeService};
use crate::transport::{self, Listener};

/// Whose health is told: the service's by its name, and the node's as a whole.
const SERVICES: [&str; 2] = [RealtimeService::NAME, ""];

/// Runs a node until `shutdown`, and then until it has drained.
///
/// Returns within `drain_timeout` and a second of `shutdown`, whatever clients
/// do; nothing of it is left then.
///
/// # Errors
///
/// Reflection that cannot be built from the descriptors: a fault of the build.
pub async fn run(
    listener: impl Listener,
    clock: Clock,
    config: Config,
    shutdown: impl Future<Output = ()>,
) -> Result<(), tonic_reflection::server::Error> {
    let hub = Hub::new(config.hub, clock, rpc::Frames { clock });
    serve(listener, hub, config.rpc, config.transport, shutdown).await
}

/// As [`run`], for a hub that is there already.
///
/// # Errors
///
/// As [`run`].
pub async fn serve(
    listener: impl Listener,
    hub: Hub,
    rpc: rpc::Limits,
    transport: transport::Limits,
    shutdown: impl Future<Output = ()>,
) -> Result<(), tonic_reflection::server::Error> {
    let (mut health, health_service) = tonic_health::server::health_reporter();
    tell(&health, ServingStatus::NotServing).await;
    let routes = Routes::new(RealtimeService::new(hub.clone(), rpc))
        .add_service(health_service)
        .add_service(reflection().build_v1()?)
        .add_service(reflection().build_v1alpha()?);
    let routes = routes.into_axum_router().fallback(async || rpc::unknown());
    let services = rpc::Direct::new(Routes::from(routes).prepare());
    tell(&health, ServingStatus::Serving).await;
    tracing::info!(version = env!("CARGO_PKG_VERSION"), epoch = %hub.epoch(), "serving");
    let drained = async {
        shutdown.await;
        tell(&health, ServingStatus::NotServing).await;
        hub.drain();
        // Ends the watches, which have been told and would hold up the rest.
        for service in SERVICES {
            health.clear_service_status(service).await;
        }
    };
    tokio::select! {
        () = hub.clone().keep() => {}
        () = transport::serve(listener, services, |_: &_| rpc::refusal(), transport, drained) => {}
    }
    tracing::info!("drained");
    Ok(())
}

async fn tell(health: &HealthReporter, status: ServingStatus) {
    for service in SERVICES {
        health.set_service_status(service, status).await;
    }
}

fn reflection() -> tonic_reflection::server::Builder<'static> {
    tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(rpc::DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        // So that grpcurl can print the details of an error.
        .register_encoded_file_descriptor_set(tonic_types::pb::FILE_DESCRIPTOR_SET)
}
