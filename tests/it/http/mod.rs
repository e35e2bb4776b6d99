//! The door for who speaks no gRPC: JSON, server-sent events, gRPC-Web.

mod answers;
mod bad;
mod client;
mod events;
mod falling_behind;
mod openapi;
mod page;
mod uploads;
mod web;
