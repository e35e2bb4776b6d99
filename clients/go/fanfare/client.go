package fanfare

import (
	"context"
	"crypto/rand"
	_ "embed"
	"iter"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/protobuf/proto"

	fanfarev1 "fanfare.dev/gen/fanfare/v1"
)

// ServiceConfig repeats Send, Broadcast and GetMembers while the node is away.
// It cannot see fields: who uses it without a [Client] must set request ids.
//
//go:embed service-config.json
var ServiceConfig string

// A Client calls a node. Unary calls share a connection; each subscription and
// session has its own, so that none of them waits for another's reader.
//
// It may be used by several goroutines.
type Client struct {
	// Stub has all calls, as generated.
	Stub fanfarev1.RealtimeServiceClient

	connection *grpc.ClientConn
	dial       func() (*grpc.ClientConn, error)
}

// NewClient makes a client of the node at address. It connects when it is
// first used: without TLS, pinging a silent connection every 20 s, unless
// options say otherwise.
func NewClient(address string, options ...grpc.DialOption) (*Client, error) {
	all := append(defaults(), options...)
	dial := func() (*grpc.ClientConn, error) { return grpc.NewClient(address, all...) }
	connection, err := dial()
	if err != nil {
		return nil, err
	}
	stub := fanfarev1.NewRealtimeServiceClient(connection)
	return &Client{Stub: stub, connection: connection, dial: dial}, nil
}

func defaults() []grpc.DialOption {
	return []grpc.DialOption{
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultServiceConfig(ServiceConfig),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{
			Time:    20 * time.Second,
			Timeout: 10 * time.Second,
		}),
		// A node that restarts is found again soon.
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff: backoff.Config{
				BaseDelay:  100 * time.Millisecond,
				Multiplier: 1.6,
				Jitter:     0.2,
				MaxDelay:   5 * time.Second,
			},
			MinConnectTimeout: 5 * time.Second,
		}),
	}
}

// Close ends the unary calls. Subscriptions and sessions end with their
// contexts.
func (c *Client) Close() error {
	return c.connection.Close()
}

// Send sends one event; it returns once the event is numbered and in the log.
//
// It is repeated while the node is away, as often as [ServiceConfig] allows,
// and happens once: a request id is made up if there is none. Give one of your
// own to repeat it yourself, after a crash for instance.
func (c *Client) Send(
	ctx context.Context, request *fanfarev1.SendRequest,
) (*fanfarev1.SendResponse, error) {
	return c.Stub.Send(ctx, identifiedSend(request))
}

// Broadcast sends one event to every subscriber. It is repeated as Send is.
func (c *Client) Broadcast(
	ctx context.Context, request *fanfarev1.BroadcastRequest,
) (*fanfarev1.BroadcastResponse, error) {
	return c.Stub.Broadcast(ctx, identifiedBroadcast(request))
}

// Members lists everyone in a channel, in the order in which they joined, of
// all pages. After an error there are no more.
func (c *Client) Members(
	ctx context.Context, request *fanfarev1.GetMembersRequest,
) iter.Seq2[*fanfarev1.Member, error] {
	request = proto.CloneOf(request)
	return func(yield func(*fanfarev1.Member, error) bool) {
		for {
			page, err := c.Stub.GetMembers(ctx, request)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, member := range page.Members {
				if !yield(member, nil) {
					return
				}
			}
			if request.PageToken = page.NextPageToken; request.PageToken == "" {
				return
			}
		}
	}
}

func identifiedSend(request *fanfarev1.SendRequest) *fanfarev1.SendRequest {
	if request.GetRequestId() != "" {
		return request
	}
	request = proto.CloneOf(request)
	request.RequestId = rand.Text()
	return request
}

func identifiedBroadcast(request *fanfarev1.BroadcastRequest) *fanfarev1.BroadcastRequest {
	if request.GetRequestId() != "" {
		return request
	}
	request = proto.CloneOf(request)
	request.RequestId = rand.Text()
	return request
}
