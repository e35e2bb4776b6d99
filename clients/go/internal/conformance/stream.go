package main

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"

	fanfarev1 "fanfare.dev/gen/fanfare/v1"
)

// A stream gives frames of a stub or of the client, one at a time.
type stream struct {
	take   func() (proto.Message, error)
	cancel context.CancelFunc
	// Of a Session only.
	send   func(*fanfarev1.SessionRequest) error
	finish func() error
	// Kinds of frames to pass over where they are not expected.
	skipped map[string]bool
}

var (
	ofStub   = map[string]bool{"heartbeat": true}
	ofClient = map[string]bool{"ready": true, "heartbeat": true, "closing": true}
)

func (t *stream) verb(s step, n names) error {
	switch {
	case s.Write != "":
		request := new(fanfarev1.SessionRequest)
		if err := parse(s.Request, request); err != nil {
			return err
		}
		return t.send(request)
	case s.Finish != "":
		return t.finish()
	case s.Cancel != "":
		t.cancel()
		return nil
	case s.Read != "":
		return t.read(s, n)
	case s.Account != "":
		return t.account(s)
	default:
		return t.ended(s, n)
	}
}

// frame takes the next one, passing over what is unknown, or unremarkable and
// not wanted.
func (t *stream) frame(wanted any) (kind string, frame any, err error) {
	expected, _ := wanted.(map[string]any)
	for {
		message, err := t.take()
		if err != nil {
			return "", nil, err
		}
		frame, err := printed(message)
		if err != nil {
			return "", nil, err
		}
		object := frame.(map[string]any)
		if len(object) == 0 && t.skipped["ready"] {
			return "", nil, &notRPC{errors.New("the client handed out a frame of an unknown kind")}
		}
		for kind := range object {
			_, is := expected[kind]
			if is || !t.skipped[kind] {
				return kind, frame, nil
			}
		}
	}
}

func (t *stream) read(s step, n names) error {
	for i, expected := range s.Frames {
		_, frame, err := t.frame(expected)
		if err != nil {
			return fmt.Errorf("frame %d: %w", i+1, err)
		}
		if err := n.match(expected, &frame, fmt.Sprintf("frame %d", i+1)); err != nil {
			return err
		}
	}
	return nil
}

func (t *stream) account(s step) error {
	gaps := false
	for next := s.After + 1; next <= s.Through; {
		kind, frame, err := t.frame(nil)
		if err != nil {
			return err
		}
		body := frame.(map[string]any)[kind].(map[string]any)
		switch {
		case kind == "event" && number(body["sequence"]) == float64(next):
			next++
		case kind == "gap" && orZero(body["after"]) < float64(next) && number(body["through"]) >= float64(next):
			next = uint64(number(body["through"])) + 1
			gaps = true
		default:
			return fmt.Errorf("expected number %d, got %.300s", next, short(frame))
		}
	}
	if gaps != s.Gaps {
		return fmt.Errorf("there was a gap: %v", gaps)
	}
	return nil
}

// Defaults are left out in JSON.
func orZero(value any) float64 {
	if value == nil {
		return 0
	}
	return number(value)
}

func (t *stream) ended(s step, n names) error {
	for {
		kind, frame, err := t.frame(nil)
		var broken *notRPC
		switch {
		case errors.As(err, &broken):
			return err
		case err != nil:
			return matchError(err, s, n)
		case !s.Skipping && kind != "closing":
			return fmt.Errorf("expected the end, got %.300s", short(frame))
		}
	}
}
