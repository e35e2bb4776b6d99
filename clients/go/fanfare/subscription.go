package fanfare

import (
	"context"
	"iter"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	fanfarev1 "fanfare.dev/gen/fanfare/v1"
)

// The first frame comes at once; a node that says nothing for so long is not
// there.
const readyTimeout = 10 * time.Second

// A Subscription is the frames of a [Client.Subscribe] across all cuts: nothing
// missed, nothing twice. It is for one goroutine at a time.
//
// After a cut it connects again and resumes, and you see another ready. What
// the node could not keep for you comes as a gap: load anew what it stood for.
// Frames are taken as you ask for them; who is slow is told by a gap.
type Subscription struct {
	ctx     context.Context
	dial    func() (*grpc.ClientConn, error)
	request *fanfarev1.SubscribeRequest
	waits   waits

	// Held while the fields below are in use.
	reading    sync.Mutex
	connection *grpc.ClientConn
	stream     grpc.ServerStreamingClient[fanfarev1.SubscribeResponse]
	hangUp     context.CancelFunc
	patience   time.Duration
	retryAfter time.Duration
	err        error
}

// Subscribe begins a subscription, which lasts until ctx is done. It connects
// when the first frame is asked for, and waits for a node that is away.
func (c *Client) Subscribe(
	ctx context.Context, request *fanfarev1.SubscribeRequest,
) *Subscription {
	s := &Subscription{ctx: ctx, dial: c.dial, request: proto.CloneOf(request)}
	// Whoever stops reading leaves all the same.
	context.AfterFunc(ctx, func() {
		s.reading.Lock()
		defer s.reading.Unlock()
		s.leave()
	})
	return s
}

// Frames iterates over [Subscription.Next]; the last pair has its error.
func (s *Subscription) Frames() iter.Seq2[*fanfarev1.SubscribeResponse, error] {
	return func(yield func(*fanfarev1.SubscribeResponse, error) bool) {
		for {
			frame, err := s.Next()
			if !yield(frame, err) || err != nil {
				return
			}
		}
	}
}

// Next waits for the next frame. An error is the end: the context is done, the
// request is refused, or the member came back elsewhere (REPLACED).
func (s *Subscription) Next() (*fanfarev1.SubscribeResponse, error) {
	s.reading.Lock()
	defer s.reading.Unlock()
	for s.err == nil {
		frame, err := s.receive()
		if err != nil {
			s.cut(err)
			continue
		}
		// Later nodes have frames that this client does not know.
		if frame.Frame != nil {
			s.keep(frame)
			return frame, nil
		}
	}
	return nil, s.err
}

// Position is up to where everything was handed out; nil before the first
// ready. With MemberToken it is enough to go on in another process.
func (s *Subscription) Position() *fanfarev1.Position {
	return proto.CloneOf(s.request.GetResume())
}

// MemberToken proves to be this member. Keep it secret.
func (s *Subscription) MemberToken() string {
	return s.request.MemberToken
}

func (s *Subscription) receive() (*fanfarev1.SubscribeResponse, error) {
	if s.stream == nil {
		if err := s.open(); err != nil {
			return nil, err
		}
	}
	silence := time.AfterFunc(s.patience, s.hangUp)
	frame, err := s.stream.Recv()
	if !silence.Stop() && err != nil {
		// The connection may be dead, and a new stream on it would be too.
		s.leave()
		return nil, status.Errorf(codes.Unavailable, "no frame within %v", s.patience)
	}
	return frame, err
}

func (s *Subscription) open() error {
	if s.connection == nil {
		// A connection of its own: what is slow here delays nothing else.
		connection, err := s.dial()
		if err != nil {
			return err
		}
		s.connection = connection
	}
	ctx, hangUp := context.WithCancel(s.ctx)
	s.hangUp = hangUp
	s.patience = readyTimeout
	s.retryAfter = 0
	stream, err := fanfarev1.NewRealtimeServiceClient(s.connection).Subscribe(ctx, s.request)
	s.stream = stream
	return err
}

// cut waits until it is time to come back, or makes err the end.
func (s *Subscription) cut(err error) {
	s.stream = nil
	if s.hangUp != nil {
		s.hangUp()
	}
	if s.ctx.Err() != nil {
		s.err = s.ctx.Err()
		s.leave()
		return
	}
	if inVain(err) {
		s.err = err
		s.leave()
		return
	}
	wait := time.NewTimer(max(s.retryAfter, RetryDelay(err)) + s.waits.next())
	defer wait.Stop()
	select {
	case <-wait.C:
	case <-s.ctx.Done():
	}
}

func inVain(err error) bool {
	switch status.Code(err) {
	case codes.InvalidArgument, codes.PermissionDenied, codes.Unauthenticated, codes.Unimplemented:
		return true
	default:
		return Reason(err) == "REPLACED"
	}
}

// leave cancels the stream before it closes the connection: a connection that
// breaks would have the member wait for its return.
func (s *Subscription) leave() {
	if s.stream != nil {
		s.hangUp()
		for err := error(nil); err == nil; {
			_, err = s.stream.Recv()
		}
		s.stream = nil
	}
	if s.connection != nil {
		s.connection.Close()
		s.connection = nil
	}
}

// keep follows the rule of one number: see docs/protocol.md.
func (s *Subscription) keep(frame *fanfarev1.SubscribeResponse) {
	switch frame := frame.Frame.(type) {
	case *fanfarev1.SubscribeResponse_Ready:
		s.waits.succeeded()
		s.patience = 2 * frame.Ready.HeartbeatInterval.AsDuration()
		s.request.MemberToken = frame.Ready.MemberToken
		s.reach(frame.Ready.Position)
	case *fanfarev1.SubscribeResponse_Event:
		s.pass(frame.Event.Sequence)
	case *fanfarev1.SubscribeResponse_Presence:
		s.pass(frame.Presence.Sequence)
	case *fanfarev1.SubscribeResponse_Heartbeat:
		s.reach(frame.Heartbeat.Position)
	case *fanfarev1.SubscribeResponse_Closing:
		s.retryAfter = frame.Closing.RetryAfter.AsDuration()
	}
}

func (s *Subscription) reach(position *fanfarev1.Position) {
	s.request.Start = &fanfarev1.SubscribeRequest_Resume{Resume: proto.CloneOf(position)}
}

func (s *Subscription) pass(sequence uint64) {
	// Absent only if the node broke its word that ready comes first.
	if resume := s.request.GetResume(); resume != nil {
		resume.Sequence = sequence
	}
}
