package dev.fanfare.client;

import dev.fanfare.v1.GetMembersRequest;
import dev.fanfare.v1.GetMembersResponse;
import dev.fanfare.v1.Member;
import dev.fanfare.v1.RealtimeServiceGrpc.RealtimeServiceBlockingStub;
import java.util.Collections;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.function.Supplier;

/** The members of all pages, each page asked for when the one before has been used. */
final class MemberPages implements Iterator<Member> {
  private final Supplier<RealtimeServiceBlockingStub> stub;
  private GetMembersRequest request;
  private boolean isLast;
  private Iterator<Member> page = Collections.emptyIterator();

  MemberPages(Supplier<RealtimeServiceBlockingStub> stub, GetMembersRequest request) {
    this.stub = stub;
    this.request = request;
  }

  @Override
  public boolean hasNext() {
    while (!page.hasNext() && !isLast) {
      GetMembersResponse response = stub.get().getMembers(request);
      page = response.getMembersList().iterator();
      isLast = response.getNextPageToken().isEmpty();
      request = request.toBuilder().setPageToken(response.getNextPageToken()).build();
    }
    return page.hasNext();
  }

  @Override
  public Member next() {
    if (!hasNext()) {
      throw new NoSuchElementException();
    }
    return page.next();
  }
}
