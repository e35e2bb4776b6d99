package fanfare_test

import (
	"context"
	"errors"
	"io"
	"sync"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"fanfare.dev/fanfare"
	fanfarev1 "fanfare.dev/gen/fanfare/v1"
)

func to(channels ...string) *fanfarev1.SubscribeRequest {
	request := new(fanfarev1.SubscribeRequest)
	for _, channel := range channels {
		request.Subscriptions = append(request.Subscriptions, &fanfarev1.Subscription{Channel: channel})
	}
	return request
}

func next(t *testing.T, frames *fanfare.Subscription) *fanfarev1.SubscribeResponse {
	t.Helper()
	frame, err := frames.Next()
	if err != nil {
		t.Fatal(err)
	}
	return frame
}

func send(t *testing.T, c *fanfare.Client, channel, event string) *fanfarev1.SendResponse {
	t.Helper()
	sent, err := c.Send(t.Context(), &fanfarev1.SendRequest{Channel: channel, Event: event})
	if err != nil {
		t.Fatal(err)
	}
	return sent
}

func TestASendHasARequestIDAndLeavesTheRequestAsItWas(t *testing.T) {
	c := client(t)
	frames := c.Subscribe(t.Context(), to("a"))
	next(t, frames)
	request := &fanfarev1.SendRequest{Channel: "a"}
	if _, err := c.Send(t.Context(), request); err != nil {
		t.Fatal(err)
	}
	if next(t, frames).GetEvent().Id == "" || request.RequestId != "" {
		t.Error("the event has no id, or the request got one")
	}
	if _, err := c.Broadcast(t.Context(), new(fanfarev1.BroadcastRequest)); err != nil {
		t.Fatal(err)
	}
	if next(t, frames).GetEvent().Id == "" {
		t.Error("the broadcast has no id")
	}
}

func TestAnotherProcessGoesOnWhereOneStopped(t *testing.T) {
	c := client(t)
	ctx, leave := context.WithCancel(t.Context())
	first := c.Subscribe(ctx, to("a"))
	if first.Position() != nil {
		t.Error("a position before there is one")
	}
	id := next(t, first).GetReady().MemberId
	send(t, c, "a", "1")
	next(t, first)
	leave()
	send(t, c, "a", "2")

	request := to("a")
	request.Start = &fanfarev1.SubscribeRequest_Resume{Resume: first.Position()}
	request.MemberToken = first.MemberToken()
	second := c.Subscribe(t.Context(), request)
	if ready := next(t, second).GetReady(); !ready.Recovered || ready.MemberId != id {
		t.Errorf("not as the same member, without a gap: %v", ready)
	}
	if event := next(t, second).GetEvent(); event.Name != "2" {
		t.Errorf("not what came meanwhile: %v", event)
	}
}

func TestASubscriptionEndsWithItsContext(t *testing.T) {
	// Nobody listens on the discard port.
	c, err := fanfare.NewClient("127.0.0.1:9")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx, leave := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		_, err := c.Subscribe(ctx, to("a")).Next()
		ended <- err
	}()
	leave()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestARefusalSaysWhy(t *testing.T) {
	c := client(t)
	_, err := c.Send(t.Context(), &fanfarev1.SendRequest{Channel: "a..b"})
	if status.Code(err) != codes.InvalidArgument || fanfare.Reason(err) != "INVALID_CHANNEL" {
		t.Errorf("got %v", err)
	}
	for _, err := range c.Members(t.Context(), new(fanfarev1.GetMembersRequest)) {
		if fanfare.Reason(err) != "INVALID_CHANNEL" {
			t.Errorf("got %v", err)
		}
	}
}

func TestMembersOfAllPagesAreListedAsFarAsOneReads(t *testing.T) {
	c := client(t)
	for range 3 {
		next(t, c.Subscribe(t.Context(), to("a")))
	}
	request := &fanfarev1.GetMembersRequest{Channel: "a", PageSize: 1}
	for wanted := 1; wanted <= 3; wanted++ {
		read := 0
		for _, err := range c.Members(t.Context(), request) {
			if err != nil {
				t.Fatal(err)
			}
			if read++; read == wanted {
				break
			}
		}
		if read != wanted {
			t.Errorf("read %d of %d", read, wanted)
		}
	}
}

func TestRequestsOfASessionMayBePipelined(t *testing.T) {
	session, err := client(t).OpenSession(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 1000 {
		all.Go(func() {
			if _, err := session.Send(t.Context(), &fanfarev1.SendRequest{Channel: "a"}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	last, err := session.Send(t.Context(), &fanfarev1.SendRequest{Channel: "a"})
	if err != nil || last.Position.Sequence != 1001 {
		t.Errorf("got %v, %v", last, err)
	}
}

func TestASessionThatFinishedAnswersNoMore(t *testing.T) {
	session, err := client(t).OpenSession(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := session.Send(t.Context(), &fanfarev1.SendRequest{Channel: "a"}); err != nil {
		t.Fatal(err)
	}
	if err := session.Finish(); err != nil {
		t.Fatal(err)
	}
	if _, err := session.Next(); !errors.Is(err, io.EOF) {
		t.Errorf("ended with %v", err)
	}
	if _, err := session.Send(t.Context(), &fanfarev1.SendRequest{Channel: "a"}); err == nil {
		t.Error("it answered")
	}
}

func TestASessionKeepsThePositionOfWhatItHandedOut(t *testing.T) {
	c := client(t)
	session, err := c.OpenSession(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ready, err := session.Subscribe(t.Context(), to("a"))
	if err != nil {
		t.Fatal(err)
	}
	if session.MemberToken() != ready.MemberToken {
		t.Error("not its token")
	}
	sent := send(t, c, "a", "1")
	if !proto.Equal(session.Position(), ready.Position) {
		t.Error("the position is past what was handed out")
	}
	if _, err := session.Add(t.Context(), &fanfarev1.Subscription{Channel: "b"}); err != nil {
		t.Fatal(err)
	}
	if !proto.Equal(session.Position(), ready.Position) {
		t.Error("a later ready moved the position")
	}
	if _, err := session.Next(); err != nil {
		t.Fatal(err)
	}
	if !proto.Equal(session.Position(), sent.Position) {
		t.Errorf("%v, not %v", session.Position(), sent.Position)
	}
}
