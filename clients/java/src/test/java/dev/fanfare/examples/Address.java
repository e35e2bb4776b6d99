package dev.fanfare.examples;

/** Where the examples look for a node. */
final class Address {
  static final String OF_NODE = System.getenv().getOrDefault("FANFARE_ADDRESS", "127.0.0.1:50051");

  private Address() {}
}
