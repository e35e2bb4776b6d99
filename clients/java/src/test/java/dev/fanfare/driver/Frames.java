package dev.fanfare.driver;

import com.google.protobuf.Message;
import com.google.protobuf.Value;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;

/** A stream as scenarios see it: JSON frame by JSON frame, read as they are asked for. */
final class Frames {
  /** A frame, or the end. */
  record Taken(Value frame, Value end) {}

  private final ExecutorService threads;
  private final Callable<Message> read;
  private final Runnable cancel;
  private Future<Taken> first;

  /** Whether a client library may keep some frames to itself. */
  final boolean isFollowed;

  /**
   * @param read brings the next frame, null at an end without an error
   */
  Frames(ExecutorService threads, Callable<Message> read, Runnable cancel, boolean isFollowed) {
    this.threads = threads;
    this.read = read;
    this.cancel = cancel;
    this.isFollowed = isFollowed;
    // The first is asked for when the stream is opened, without waiting for it.
    this.first = threads.submit(this::take);
  }

  Future<Taken> next() {
    Future<Taken> next = first == null ? threads.submit(this::take) : first;
    first = null;
    return next;
  }

  void cancel() {
    cancel.run();
  }

  private Taken take() {
    try {
      Message frame = read.call();
      return frame == null ? new Taken(null, Json.ENDED_WELL) : new Taken(Json.shown(frame), null);
    } catch (Exception e) {
      return new Taken(null, Json.shownError(e));
    }
  }
}
