//! The service on a listener, from start to drained.
//!
//! The only place that knows every layer: it builds the hub, puts the gRPC
//! services before it and the transport before those, and at the end lets
//! streams, calls and connections go in this order.

mod reflection;

use tonic::server::NamedService;
use tonic::service::Routes;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use crate::config::Config;
use crate::http;
use crate::hub::{Clock, Hub};
use crate::rpc::{self, RealtimeService};
use crate::transport::{self, Listener};

/// Whose health is told: the service's by its name, and the node's as a whole.
const SERVICES: [&str; 2] = [RealtimeService::NAME, ""];

/// What stands before a hub.
#[derive(Clone, Debug, Default)]
pub struct Front {
    /// What a request may hold.
    pub rpc: rpc::Limits,
    /// Who may ask over HTTP.
    pub http: http::Settings,
    /// What a connection may cost.
    pub transport: transport::Limits,
}

impl From<Config> for Front {
    fn from(config: Config) -> Self {
        Self {
            rpc: config.rpc,
            http: config.http,
            transport: config.transport,
        }
    }
}

/// Runs a node until `shutdown`, and then until it has drained.
///
/// Returns within `drain_timeout` and a second of `shutdown`, whatever clients
/// do; nothing of it is left then.
pub async fn run(
    listener: impl Listener,
    clock: Clock,
    config: Config,
    shutdown: impl Future<Output = ()>,
) {
    let hub = Hub::new(config.hub.clone(), clock, rpc::Frames { clock });
    serve(listener, hub, config.into(), shutdown).await;
}

/// As [`run`], for a hub that is there already.
pub async fn serve(
    listener: impl Listener,
    hub: Hub,
    front: Front,
    shutdown: impl Future<Output = ()>,
) {
    let Front {
        rpc,
        http,
        transport,
    } = front;
    let (mut health, health_service) = tonic_health::server::health_reporter();
    tell(&health, ServingStatus::NotServing).await;
    let routes = Routes::new(RealtimeService::new(hub.clone(), rpc.clone()))
        .add_service(health_service)
        .add_service(reflection::current())
        .add_service(reflection::older());
    let routes = routes.into_axum_router().fallback(async || rpc::unknown());
    let services = rpc::Direct::new(Routes::from(routes).prepare());
    let door = http::Door::new(services, &http, &rpc, hub.epoch().as_str());
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
        () = transport::serve(listener, door, |asked: &_| http::refusal(asked), transport, drained) => {}
    }
    tracing::info!("drained");
}

async fn tell(health: &HealthReporter, status: ServingStatus) {
    for service in SERVICES {
        health.set_service_status(service, status).await;
    }
}
