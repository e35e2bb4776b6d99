package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"

	"fanfare.dev/fanfare"
)

const patience = 30 * time.Second

type scenario struct {
	Name        string
	Slow        bool
	Node        any
	Connections map[string]struct {
		KeepaliveMS int `json:"keepalive_ms"`
	}
	Steps []json.RawMessage
}

// A step has one verb, and keys that belong to it; others are refused.
type step struct {
	Call    string
	Open    string
	Follow  string
	Session string
	Ask     string
	Write   string
	Finish  string
	Cancel  string
	Read    string
	Account string
	Ended   string
	Control string
	Repeat  int
	WaitMS  int `json:"wait_ms"`

	Request    any
	Expect     any
	Error      any
	Via        string
	Connection string
	DeadlineMS int `json:"deadline_ms"`
	Frames     []any
	After      uint64 `json:",string"`
	Through    uint64 `json:",string"`
	Gaps       bool
	Skipping   bool
	Steps      []json.RawMessage
}

// A play is one run of a scenario.
type play struct {
	scenario    scenario
	ctx         context.Context
	door        door
	node        string
	address     string
	client      *fanfare.Client
	connections map[string]*grpc.ClientConn
	streams     map[string]*stream
	sessions    map[string]*fanfare.Session
	names       names
}

func run(s scenario, d door) (err error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	made, err := d.ask(ctx, "POST", "/nodes", s.Node)
	if err != nil {
		return err
	}
	node := made.(map[string]any)
	id, address := node["id"].(string), node["address"].(string)
	defer func() {
		_, closing := d.ask(context.WithoutCancel(ctx), "DELETE", "/nodes/"+id, nil)
		err = errors.Join(err, closing)
	}()
	client, err := fanfare.NewClient(address)
	if err != nil {
		return err
	}
	defer client.Close()
	p := &play{
		scenario: s, ctx: ctx, door: d, node: id, address: address, client: client,
		connections: make(map[string]*grpc.ClientConn),
		streams:     make(map[string]*stream),
		sessions:    make(map[string]*fanfare.Session),
		names:       make(names),
	}
	defer func() {
		for _, connection := range p.connections {
			connection.Close()
		}
	}()
	return p.steps(s.Steps, "step ")
}

func (p *play) steps(steps []json.RawMessage, place string) error {
	for i, raw := range steps {
		here := fmt.Sprintf("%s%d", place, i+1)
		prepared, err := p.prepared(raw)
		if err != nil {
			return fmt.Errorf("%s: %w in %.200s", here, err, raw)
		}
		if err := p.do(prepared, raw, here); err != nil {
			return err
		}
	}
	return nil
}

// prepared is a step with all filled in but what is matched, which is filled
// as it is, and the steps of a repetition.
func (p *play) prepared(raw json.RawMessage) (step, error) {
	var keys map[string]any
	if err := json.Unmarshal(raw, &keys); err != nil {
		return step{}, err
	}
	for key, value := range keys {
		switch key {
		case "expect", "error", "frames", "steps":
			continue
		}
		filled, err := p.names.filled(value)
		if err != nil {
			return step{}, err
		}
		keys[key] = filled
	}
	text, err := json.Marshal(keys)
	if err != nil {
		return step{}, err
	}
	var s step
	err = strictly(text, &s)
	return s, err
}

func (p *play) do(s step, raw json.RawMessage, here string) error {
	if s.Repeat > 0 {
		for i := 1; i <= s.Repeat; i++ {
			p.names["i"] = fmt.Sprint(i)
			if err := p.steps(s.Steps, fmt.Sprintf("%s, round %d, step ", here, i)); err != nil {
				return err
			}
		}
		return nil
	}
	done := make(chan error, 1)
	go func() { done <- p.verb(s) }()
	wait := time.Duration(s.WaitMS) * time.Millisecond
	select {
	case err := <-done:
		if err != nil {
			return fmt.Errorf("%s, %.80s: %w", here, raw, err)
		}
		return nil
	case <-time.After(patience + wait):
		return fmt.Errorf("%s, %.80s: waited %v", here, raw, patience)
	}
}

func (p *play) verb(s step) error {
	switch {
	case s.Open != "":
		return p.open(s)
	case s.Call != "":
		return p.call(s)
	case s.Follow != "":
		return p.follow(s)
	case s.Session != "":
		return p.session(s)
	case s.Ask != "":
		return p.ask(s)
	case s.Write != "", s.Finish != "", s.Cancel != "", s.Read != "", s.Account != "", s.Ended != "":
		name := s.Write + s.Finish + s.Cancel + s.Read + s.Account + s.Ended
		if p.streams[name] == nil {
			return fmt.Errorf("no stream %s is open", name)
		}
		return p.streams[name].verb(s, p.names)
	case s.Control != "":
		answer, err := p.door.ask(p.ctx, "POST", "/nodes/"+p.node+"/"+s.Control, nil)
		if err != nil {
			return err
		}
		return p.names.match(orAnything(s.Expect), &answer, "")
	case s.WaitMS > 0:
		time.Sleep(time.Duration(s.WaitMS) * time.Millisecond)
		return nil
	}
	return errors.New("no verb is known")
}

// connection is one of the stub's, made when it is first named.
func (p *play) connection(name string) (*grpc.ClientConn, error) {
	if name == "" {
		name = "main"
	}
	if p.connections[name] != nil {
		return p.connections[name], nil
	}
	options := []grpc.DialOption{grpc.WithTransportCredentials(insecure.NewCredentials())}
	if ms := p.scenario.Connections[name].KeepaliveMS; ms > 0 {
		options = append(options, grpc.WithKeepaliveParams(keepalive.ClientParameters{
			Time:                time.Duration(ms) * time.Millisecond,
			PermitWithoutStream: true,
		}))
	}
	connection, err := grpc.NewClient(p.address, options...)
	p.connections[name] = connection
	return connection, err
}

func orAnything(expected any) any {
	if expected == nil {
		return map[string]any{}
	}
	return expected
}

func strictly(text []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more than one value")
	}
	return nil
}
