package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	// Known to the JSON printer by being imported.
	_ "google.golang.org/protobuf/types/known/wrapperspb"

	fanfarev1 "fanfare.dev/gen/fanfare/v1"
)

// A notRPC is our own failure, and no call's.
type notRPC struct{ error }

func (p *play) call(s step) error {
	ctx, cancel := p.within(s)
	defer cancel()
	answer, err := p.answer(ctx, s)
	var broken *notRPC
	switch {
	case errors.As(err, &broken), err != nil && s.Error == nil:
		return err
	case err != nil:
		return matchError(err, s, p.names)
	}
	return p.matchAnswer(answer, s)
}

func (p *play) answer(ctx context.Context, s step) (proto.Message, error) {
	switch {
	case s.Via == "":
		return p.invoke(ctx, s)
	case s.Via == "client" && s.Call == "Send":
		request := new(fanfarev1.SendRequest)
		if err := parse(s.Request, request); err != nil {
			return nil, err
		}
		return p.client.Send(ctx, request)
	case s.Via == "client" && s.Call == "GetMembers":
		request := new(fanfarev1.GetMembersRequest)
		if err := parse(s.Request, request); err != nil {
			return nil, err
		}
		all := new(fanfarev1.GetMembersResponse)
		for member, err := range p.client.Members(ctx, request) {
			if err != nil {
				return nil, err
			}
			all.Members = append(all.Members, member)
		}
		return all, nil
	}
	return nil, &notRPC{fmt.Errorf("%s via %s is unknown", s.Call, s.Via)}
}

// invoke calls a method by its name.
func (p *play) invoke(ctx context.Context, s step) (proto.Message, error) {
	request, err := message(s.Call + "Request")
	if err != nil {
		return nil, err
	}
	response, err := message(s.Call + "Response")
	if err != nil {
		return nil, err
	}
	if err := parse(s.Request, request); err != nil {
		return nil, err
	}
	connection, err := p.connection(s.Connection)
	if err != nil {
		return nil, &notRPC{err}
	}
	method := "/" + fanfarev1.RealtimeService_ServiceDesc.ServiceName + "/" + s.Call
	return response, connection.Invoke(ctx, method, request, response)
}

func (p *play) open(s step) error {
	connection, err := p.connection(s.Connection)
	if err != nil {
		return err
	}
	stub := fanfarev1.NewRealtimeServiceClient(connection)
	ctx, cancel := p.within(s)
	opened := &stream{cancel: cancel, skipped: ofStub}
	p.streams[s.Open] = opened
	switch s.Call {
	case "Subscribe":
		request := new(fanfarev1.SubscribeRequest)
		if err := parse(s.Request, request); err != nil {
			return err
		}
		frames, err := stub.Subscribe(ctx, request)
		if err != nil {
			return err
		}
		opened.take = func() (proto.Message, error) { return frames.Recv() }
	case "Session":
		frames, err := stub.Session(ctx)
		if err != nil {
			return err
		}
		opened.take = func() (proto.Message, error) { return frames.Recv() }
		opened.send, opened.finish = frames.Send, frames.CloseSend
	default:
		return fmt.Errorf("no stream of %s is known", s.Call)
	}
	return nil
}

func (p *play) follow(s step) error {
	request := new(fanfarev1.SubscribeRequest)
	if err := parse(s.Request, request); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(p.ctx)
	frames := p.client.Subscribe(ctx, request)
	p.streams[s.Follow] = &stream{
		take:    func() (proto.Message, error) { return frames.Next() },
		cancel:  cancel,
		skipped: ofClient,
	}
	return nil
}

func (p *play) session(s step) error {
	ctx, cancel := context.WithCancel(p.ctx)
	session, err := p.client.OpenSession(ctx)
	if err != nil {
		cancel()
		return err
	}
	p.sessions[s.Session] = session
	p.streams[s.Session] = &stream{
		take:    func() (proto.Message, error) { return session.Next() },
		cancel:  cancel,
		skipped: ofClient,
	}
	return nil
}

func (p *play) ask(s step) error {
	request := new(fanfarev1.SessionRequest)
	if err := parse(s.Request, request); err != nil {
		return err
	}
	reply, err := p.sessions[s.Ask].Ask(p.ctx, request)
	if err != nil && s.Error != nil {
		return matchError(err, s, p.names)
	}
	if err != nil {
		return err
	}
	return p.matchAnswer(reply, s)
}

func (p *play) within(s step) (context.Context, context.CancelFunc) {
	if s.DeadlineMS > 0 {
		return context.WithTimeout(p.ctx, time.Duration(s.DeadlineMS)*time.Millisecond)
	}
	return context.WithCancel(p.ctx)
}

func (p *play) matchAnswer(answer proto.Message, s step) error {
	there, err := printed(answer)
	if err != nil {
		return err
	}
	if s.Error != nil {
		return fmt.Errorf("expected %s, got %s", short(s.Error), short(there))
	}
	return p.names.match(orAnything(s.Expect), &there, "")
}

// matchError matches an error in the form that scenarios expect.
func matchError(err error, s step, n names) error {
	told := status.Convert(err)
	if errors.Is(err, io.EOF) {
		told = status.New(codes.OK, "")
	}
	details := make(map[string]any)
	for _, detail := range told.Details() {
		known, is := detail.(proto.Message)
		if !is {
			return fmt.Errorf("a detail that is not known: %v", detail)
		}
		there, err := printed(known)
		if err != nil {
			return err
		}
		details[string(known.ProtoReflect().Descriptor().Name())] = there
	}
	name, _ := codeNames[told.Code()]
	var form any = map[string]any{"code": name, "message": told.Message(), "details": details}
	return n.match(s.Error, &form, "error")
}

var codeNames = map[codes.Code]string{
	codes.OK: "OK", codes.Canceled: "CANCELLED", codes.Unknown: "UNKNOWN",
	codes.InvalidArgument: "INVALID_ARGUMENT", codes.DeadlineExceeded: "DEADLINE_EXCEEDED",
	codes.NotFound: "NOT_FOUND", codes.AlreadyExists: "ALREADY_EXISTS",
	codes.PermissionDenied: "PERMISSION_DENIED", codes.ResourceExhausted: "RESOURCE_EXHAUSTED",
	codes.FailedPrecondition: "FAILED_PRECONDITION", codes.Aborted: "ABORTED",
	codes.OutOfRange: "OUT_OF_RANGE", codes.Unimplemented: "UNIMPLEMENTED",
	codes.Internal: "INTERNAL", codes.Unavailable: "UNAVAILABLE", codes.DataLoss: "DATA_LOSS",
	codes.Unauthenticated: "UNAUTHENTICATED",
}

// message makes one of the proto's by its name.
func message(name string) (proto.Message, error) {
	full := protoreflect.FullName("fanfare.v1." + name)
	kind, err := protoregistry.GlobalTypes.FindMessageByName(full)
	if err != nil {
		return nil, &notRPC{fmt.Errorf("%s: %w", full, err)}
	}
	return kind.New().Interface(), nil
}

func parse(value any, into proto.Message) error {
	text, err := json.Marshal(orAnything(value))
	if err != nil {
		return &notRPC{err}
	}
	if err := protojson.Unmarshal(text, into); err != nil {
		return &notRPC{err}
	}
	return nil
}

func printed(message proto.Message) (any, error) {
	text, err := protojson.Marshal(message)
	if err != nil {
		return nil, &notRPC{err}
	}
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		return nil, &notRPC{err}
	}
	return value, nil
}
