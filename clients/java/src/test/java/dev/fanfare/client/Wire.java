package dev.fanfare.client;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;

/** Forwards connections to a node, until told otherwise. */
final class Wire implements AutoCloseable {
  private static final class Link {
    final Socket near;
    final Socket far;
    volatile boolean frozen;

    Link(Socket near, Socket far) {
      this.near = near;
      this.far = far;
    }

    void end() {
      closeQuietly(near);
      closeQuietly(far);
    }
  }

  private final ServerSocket server;
  private final String host;
  private final int port;
  private final Set<Link> links = ConcurrentHashMap.newKeySet();
  final AtomicInteger connections = new AtomicInteger();

  /** Asked before anything that the node says is forwarded; true cuts the connection instead. */
  volatile BooleanSupplier swallow = () -> false;

  Wire(RealNode node) throws IOException {
    String[] parts = node.address.split(":");
    host = parts[0];
    port = Integer.parseInt(parts[1]);
    server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    inBackground(this::accept);
  }

  String address() {
    return "127.0.0.1:" + server.getLocalPort();
  }

  /** Ends all connections; new ones are welcome. */
  void cut() {
    links.forEach(Link::end);
    links.clear();
  }

  /** Leaves all connections open and forwards nothing more on them. */
  void freeze() {
    links.forEach(link -> link.frozen = true);
  }

  @Override
  public void close() throws IOException {
    server.close();
    cut();
  }

  private void accept() throws IOException {
    for (; ; ) {
      Socket near = server.accept();
      Link link = new Link(near, new Socket(host, port));
      connections.incrementAndGet();
      links.add(link);
      inBackground(() -> forward(link, link.near, link.far, () -> false));
      inBackground(() -> forward(link, link.far, link.near, () -> swallow.getAsBoolean()));
    }
  }

  private void forward(Link link, Socket from, Socket to, BooleanSupplier cuts) throws IOException {
    try {
      InputStream in = from.getInputStream();
      OutputStream out = to.getOutputStream();
      byte[] buffer = new byte[65_536];
      for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
        if (link.frozen) {
          continue;
        }
        if (cuts.getAsBoolean()) {
          return;
        }
        out.write(buffer, 0, read);
      }
    } finally {
      if (!link.frozen) {
        link.end();
        links.remove(link);
      }
    }
  }

  private interface Work {
    void run() throws IOException;
  }

  private static void inBackground(Work work) {
    Thread thread =
        new Thread(
            () -> {
              try {
                work.run();
              } catch (IOException e) {
                // The connection, or the wire, was closed.
              }
            });
    thread.setDaemon(true);
    thread.start();
  }

  private static void closeQuietly(Socket socket) {
    try {
      socket.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
