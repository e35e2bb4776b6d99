//! Fanfare: realtime fan-out for backends, over gRPC.
