//! Reflection, for tools that know no proto.
//!
//! Built at the first call: few nodes are ever asked, and the descriptors of
//! both versions would be most of what an idle one holds. That they can be
//! built is tested in `tests/it/health_and_reflection.rs`.

use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll};

use tonic::server::NamedService;
use tonic_reflection::server::{Builder, v1, v1alpha};
use tower_service::Service;

use crate::rpc;

/// The version that is current.
pub(super) fn current() -> AtFirstCall<v1::ServerReflectionServer<impl v1::ServerReflection>> {
    AtFirstCall::new(|| {
        builder()
            .build_v1()
            .expect("descriptors come from the build")
    })
}

/// The version that older tools ask.
pub(super) fn older() -> AtFirstCall<v1alpha::ServerReflectionServer<impl v1alpha::ServerReflection>>
{
    AtFirstCall::new(|| {
        let older = builder().build_v1alpha();
        older.expect("descriptors come from the build")
    })
}

fn builder() -> Builder<'static> {
    Builder::configure()
        .register_encoded_file_descriptor_set(rpc::DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        // So that grpcurl can print the details of an error.
        .register_encoded_file_descriptor_set(tonic_types::pb::FILE_DESCRIPTOR_SET)
}

/// A service that is built when it is first called. It must be one that is
/// ready at any time, as those of tonic are.
#[derive(Clone, Debug)]
pub(super) struct AtFirstCall<S>(Arc<LazyLock<S>>);

impl<S> AtFirstCall<S> {
    fn new(build: fn() -> S) -> Self {
        Self(Arc::new(LazyLock::new(build)))
    }
}

impl<S: NamedService> NamedService for AtFirstCall<S> {
    const NAME: &'static str = S::NAME;
}

impl<S: Service<R> + Clone, R> Service<R> for AtFirstCall<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: R) -> S::Future {
        S::clone(&self.0).call(request)
    }
}
