package fanfare

import (
	"context"
	"errors"
	"io"
	"sync"

	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	fanfarev1 "fanfare.dev/gen/fanfare/v1"
)

// Frames that wait to be taken. Beyond it nothing more is read, replies
// included, and HTTP/2 tells the node.
const unreadFrames = 256

// A Session is one stream for everything: requests go up, their replies and
// the frames of what is subscribed come down.
//
// Each request waits for its reply; call from several goroutines to pipeline.
// Take events with Next meanwhile, in a goroutine of its own: replies wait
// behind the frames that are unread.
//
// It does not come back by itself. When it has ended, open another one,
// subscribe with Position and MemberToken, and repeat what was not answered,
// with the same request id.
type Session struct {
	connection *grpc.ClientConn
	stream     grpc.BidiStreamingClient[fanfarev1.SessionRequest, fanfarev1.SessionResponse]
	frames     chan *fanfarev1.SessionResponse

	writing sync.Mutex
	lastID  uint64

	state    sync.Mutex
	asked    map[uint64]chan *fanfarev1.Reply
	position *fanfarev1.Position
	token    string

	// Closed when the stream has ended, after err is set.
	ended chan struct{}
	err   error
}

// OpenSession opens a session, which lasts until ctx is done.
func (c *Client) OpenSession(ctx context.Context) (*Session, error) {
	connection, err := c.dial()
	if err != nil {
		return nil, err
	}
	stream, err := fanfarev1.NewRealtimeServiceClient(connection).Session(ctx)
	if err != nil {
		connection.Close()
		return nil, err
	}
	s := &Session{
		connection: connection,
		stream:     stream,
		frames:     make(chan *fanfarev1.SessionResponse, unreadFrames),
		asked:      make(map[uint64]chan *fanfarev1.Reply),
		ended:      make(chan struct{}),
	}
	go s.read(ctx)
	return s, nil
}

// Subscribe subscribes first: start, profile, token and all.
func (s *Session) Subscribe(
	ctx context.Context, request *fanfarev1.SubscribeRequest,
) (*fanfarev1.Ready, error) {
	reply, err := s.Ask(ctx, &fanfarev1.SessionRequest{
		Request: &fanfarev1.SessionRequest_Subscribe{Subscribe: request},
	})
	return reply.GetReady(), err
}

// Add subscribes to more. The position of its ready is not the session's.
func (s *Session) Add(
	ctx context.Context, subscriptions ...*fanfarev1.Subscription,
) (*fanfarev1.Ready, error) {
	return s.Subscribe(ctx, &fanfarev1.SubscribeRequest{Subscriptions: subscriptions})
}

// Unsubscribe leaves channels and patterns, named as they were subscribed.
func (s *Session) Unsubscribe(ctx context.Context, channels ...string) error {
	_, err := s.Ask(ctx, &fanfarev1.SessionRequest{
		Request: &fanfarev1.SessionRequest_Unsubscribe{
			Unsubscribe: &fanfarev1.Unsubscribe{Channels: channels},
		},
	})
	return err
}

// Update changes the session's own profile.
func (s *Session) Update(ctx context.Context, profile *fanfarev1.UpdateProfile) error {
	_, err := s.Ask(ctx, &fanfarev1.SessionRequest{
		Request: &fanfarev1.SessionRequest_Update{Update: profile},
	})
	return err
}

// Send sends one event, of the session's own member if it has subscribed.
func (s *Session) Send(
	ctx context.Context, request *fanfarev1.SendRequest,
) (*fanfarev1.SendResponse, error) {
	reply, err := s.Ask(ctx, &fanfarev1.SessionRequest{
		Request: &fanfarev1.SessionRequest_Send{Send: request},
	})
	return reply.GetSend(), err
}

// Broadcast sends one event to every subscriber.
func (s *Session) Broadcast(
	ctx context.Context, request *fanfarev1.BroadcastRequest,
) (*fanfarev1.BroadcastResponse, error) {
	reply, err := s.Ask(ctx, &fanfarev1.SessionRequest{
		Request: &fanfarev1.SessionRequest_Broadcast{Broadcast: request},
	})
	return reply.GetBroadcast(), err
}

// Ask makes any request and waits for its reply. Its id is given here, and so
// is a request id if it needs one and has none.
func (s *Session) Ask(
	ctx context.Context, request *fanfarev1.SessionRequest,
) (*fanfarev1.Reply, error) {
	answer := make(chan *fanfarev1.Reply, 1)
	if err := s.write(identified(request), answer); err != nil {
		return nil, err
	}
	select {
	case reply := <-answer:
		return reply, failure(reply)
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-s.ended:
	}
	// Both may be there.
	select {
	case reply := <-answer:
		return reply, failure(reply)
	default:
		return nil, s.end()
	}
}

// Next waits for the next frame that is no reply. [io.EOF] ends a session that
// finished and never subscribed, another error any other.
func (s *Session) Next() (*fanfarev1.SessionResponse, error) {
	frame, open := <-s.frames
	if !open {
		return nil, s.err
	}
	s.keep(frame)
	return frame, nil
}

// Finish says that no more requests come. Events go on, if it subscribed.
func (s *Session) Finish() error {
	s.writing.Lock()
	defer s.writing.Unlock()
	return s.stream.CloseSend()
}

// Position is up to where everything was handed out; nil before the subscribe.
func (s *Session) Position() *fanfarev1.Position {
	s.state.Lock()
	defer s.state.Unlock()
	return proto.CloneOf(s.position)
}

// MemberToken proves to be this member. Keep it secret.
func (s *Session) MemberToken() string {
	s.state.Lock()
	defer s.state.Unlock()
	return s.token
}

func identified(request *fanfarev1.SessionRequest) *fanfarev1.SessionRequest {
	request = proto.CloneOf(request)
	switch request := request.Request.(type) {
	case *fanfarev1.SessionRequest_Send:
		request.Send = identifiedSend(request.Send)
	case *fanfarev1.SessionRequest_Broadcast:
		request.Broadcast = identifiedBroadcast(request.Broadcast)
	}
	return request
}

func failure(reply *fanfarev1.Reply) error {
	told := reply.GetError()
	if told == nil {
		return nil
	}
	return status.ErrorProto(&spb.Status{
		Code: told.Code, Message: told.Message, Details: told.Details,
	})
}

// write holds the lock over the write: the ids rise as the node sees them.
func (s *Session) write(request *fanfarev1.SessionRequest, answer chan *fanfarev1.Reply) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	s.lastID++
	request.Id = s.lastID
	s.state.Lock()
	s.asked[request.Id] = answer
	s.state.Unlock()
	err := s.stream.Send(request)
	if errors.Is(err, io.EOF) {
		// The stream has ended; why, the reader knows.
		<-s.ended
		return s.end()
	}
	return err
}

// end is the error for who still waits for a reply.
func (s *Session) end() error {
	if errors.Is(s.err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return s.err
}

func (s *Session) read(ctx context.Context) {
	for {
		frame, err := s.stream.Recv()
		if err != nil {
			s.err = err
			break
		}
		s.take(ctx, frame)
	}
	close(s.ended)
	close(s.frames)
	s.connection.Close()
}

func (s *Session) take(ctx context.Context, frame *fanfarev1.SessionResponse) {
	if reply := frame.GetReply(); reply != nil {
		s.answer(reply)
		return
	}
	// Later nodes have frames that this client does not know.
	if frame.Frame == nil {
		return
	}
	select {
	case s.frames <- frame:
	case <-ctx.Done():
	}
}

func (s *Session) answer(reply *fanfarev1.Reply) {
	s.state.Lock()
	defer s.state.Unlock()
	// A later ready is not the session's position: older events of other
	// channels may be on their way.
	if ready := reply.GetReady(); ready != nil && s.position == nil {
		s.position = proto.CloneOf(ready.Position)
		s.token = ready.MemberToken
	}
	if answer, known := s.asked[reply.Id]; known {
		delete(s.asked, reply.Id)
		answer <- reply
	}
}

func (s *Session) keep(frame *fanfarev1.SessionResponse) {
	s.state.Lock()
	defer s.state.Unlock()
	switch frame := frame.Frame.(type) {
	case *fanfarev1.SessionResponse_Event:
		s.position.Sequence = frame.Event.Sequence
	case *fanfarev1.SessionResponse_Presence:
		s.position.Sequence = frame.Presence.Sequence
	case *fanfarev1.SessionResponse_Heartbeat:
		s.position = proto.CloneOf(frame.Heartbeat.Position)
	}
}
