package dev.fanfare.client;

import dev.fanfare.v1.BroadcastRequest;
import dev.fanfare.v1.BroadcastResponse;
import dev.fanfare.v1.GetMembersRequest;
import dev.fanfare.v1.Member;
import dev.fanfare.v1.RealtimeServiceGrpc;
import dev.fanfare.v1.RealtimeServiceGrpc.RealtimeServiceBlockingStub;
import dev.fanfare.v1.SendRequest;
import dev.fanfare.v1.SendResponse;
import dev.fanfare.v1.SubscribeRequest;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * A node of Fanfare. Calls share one connection; each subscription and each session has its own, so
 * that one that is read slowly holds up no other. Safe for use by many threads.
 */
public final class Fanfare implements AutoCloseable {
  private static final Duration TIMEOUT = Duration.ofSeconds(30);
  private static final Duration WORD = Duration.ofMillis(100);
  private static final Duration LEAVING = Duration.ofSeconds(1);
  private static final int WINDOW = 1 << 20;
  private static final int LARGEST_MESSAGE = 8 << 20;

  private final Supplier<? extends ManagedChannelBuilder<?>> channels;
  private final Duration timeout;
  private final ManagedChannel channel;
  private final Set<ManagedChannel> connections = ConcurrentHashMap.newKeySet();
  private final Set<AutoCloseable> streams = ConcurrentHashMap.newKeySet();

  private Fanfare(Supplier<? extends ManagedChannelBuilder<?>> channels, Duration timeout) {
    this.channels = channels;
    this.timeout = timeout;
    this.channel = newChannel();
  }

  /** A node at {@code HOST:PORT}, without TLS. Connects when it is first used. */
  public static Fanfare at(String address) {
    return over(() -> plaintext(address), TIMEOUT);
  }

  /**
   * A node over channels of your own making, with TLS or credentials for instance. A connection is
   * pinged after {@code keepAliveTime} without data; the node bears 10 s and more.
   *
   * @param channels makes a new builder at each call
   * @param timeout how long a call may take, with all its attempts
   */
  public static Fanfare over(
      Supplier<? extends ManagedChannelBuilder<?>> channels, Duration timeout) {
    return new Fanfare(channels, timeout);
  }

  private static NettyChannelBuilder plaintext(String address) {
    return NettyChannelBuilder.forTarget(address)
        .usePlaintext()
        .flowControlWindow(WINDOW) // fixed, so that what a slow reader holds is
        .keepAliveTime(30, TimeUnit.SECONDS)
        .keepAliveTimeout(20, TimeUnit.SECONDS);
  }

  /**
   * Sends one event, and once only however often it is tried: without a {@code request_id} of its
   * own it gets one. Tried again while the node is unavailable, as {@code service-config.json}
   * says.
   */
  public SendResponse send(SendRequest request) {
    return stub().send(Requests.repeatable(request));
  }

  /** Sends one event to every connected subscriber, as {@link #send} does to a channel's. */
  public BroadcastResponse broadcast(BroadcastRequest request) {
    return stub().broadcast(Requests.repeatable(request));
  }

  /** Who is in a channel, page by page as they are asked for. */
  public Iterable<Member> members(String channel) {
    return members(GetMembersRequest.newBuilder().setChannel(channel).build());
  }

  /** Who is in a channel, on pages of the size asked for. */
  public Iterable<Member> members(GetMembersRequest request) {
    return () -> new MemberPages(this::stub, request);
  }

  /** Subscribes, and stays so: the stream comes back after every cut. */
  public Subscription subscribe(SubscribeRequest request) {
    return new Subscription(this, request);
  }

  /** Opens a stream for everything, to publish fast and to change what it listens to. */
  public Session session() {
    return new Session(this);
  }

  /** The generated stub, for the calls that need no help: history, channels, batches. */
  public RealtimeServiceBlockingStub stub() {
    return RealtimeServiceGrpc.newBlockingStub(channel)
        .withDeadlineAfter(timeout.toNanos(), TimeUnit.NANOSECONDS);
  }

  /**
   * Ends all subscriptions and sessions, and closes the connections. Waits up to a second for the
   * node to be told, so that members leave at once and not as if they had been cut off.
   */
  @Override
  public void close() {
    for (AutoCloseable stream : Set.copyOf(streams)) {
      try {
        stream.close();
      } catch (Exception e) {
        throw new IllegalStateException("a stream's close throws nothing", e);
      }
    }
    channel.shutdownNow();
    try {
      long until = System.nanoTime() + LEAVING.toNanos();
      for (ManagedChannel connection : connections) {
        connection.awaitTermination(until - System.nanoTime(), TimeUnit.NANOSECONDS);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /**
   * Closes a connection whose call was cancelled. Not at once: a node that reads the word of it
   * together with the connection's end may take its member for cut off.
   */
  static void leave(ManagedChannel connection) {
    CompletableFuture.delayedExecutor(WORD.toMillis(), TimeUnit.MILLISECONDS)
        .execute(connection::shutdown);
  }

  /** A connection of its own, to be left with {@link #leave}. */
  ManagedChannel connection() {
    connections.removeIf(ManagedChannel::isTerminated);
    ManagedChannel made = newChannel();
    connections.add(made);
    return made;
  }

  private ManagedChannel newChannel() {
    return channels
        .get()
        .defaultServiceConfig(ServiceConfig.MAP)
        .enableRetry()
        // Else a payload of 1 MiB is too large to be kept for another attempt.
        .perRpcBufferLimit(LARGEST_MESSAGE)
        .maxInboundMessageSize(LARGEST_MESSAGE)
        .build();
  }

  void opened(AutoCloseable stream) {
    streams.add(stream);
  }

  void closed(AutoCloseable stream) {
    streams.remove(stream);
  }
}
