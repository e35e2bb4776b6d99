// Command chat prints what others write in a room, and sends what you type.
//
//	go run ./cmd/chat -name Ada lobby
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"slices"
	"strings"

	"fanfare.dev/fanfare"
	fanfarev1 "fanfare.dev/gen/fanfare/v1"
	"google.golang.org/protobuf/types/known/structpb"
)

func main() {
	log.SetFlags(0)
	name := flag.String("name", "somebody", "what others see")
	flag.Parse()
	if flag.NArg() != 1 {
		log.Fatal("usage: chat [-name NAME] ROOM")
	}
	address := os.Getenv("FANFARE_ADDRESS")
	if address == "" {
		address = "127.0.0.1:50051"
	}
	if err := chat(address, flag.Arg(0), *name); err != nil && !errors.Is(err, context.Canceled) {
		log.Fatal(err)
	}
}

func chat(address, room, name string) error {
	ctx, leave := signal.NotifyContext(context.Background(), os.Interrupt)
	defer leave()
	client, err := fanfare.NewClient(address)
	if err != nil {
		return err
	}
	defer client.Close()
	connected := make(chan struct{})
	talked := make(chan error, 1)
	go func() {
		<-connected
		talked <- talk(ctx, client, room, name)
		leave()
	}()
	err = listen(ctx, client, room, name, connected)
	select {
	case failed := <-talked:
		return failed
	default:
		return err
	}
}

// listen prints what comes, until ctx is done.
func listen(
	ctx context.Context, client *fanfare.Client, room, name string, connected chan struct{},
) error {
	names := make(map[string]string)
	frames := client.Subscribe(ctx, &fanfarev1.SubscribeRequest{
		Subscriptions: []*fanfarev1.Subscription{{Channel: room, Presence: true}},
		Data: &structpb.Struct{Fields: map[string]*structpb.Value{
			"name": structpb.NewStringValue(name),
		}},
	})
	for frame, err := range frames.Frames() {
		if err != nil {
			return err
		}
		switch frame := frame.Frame.(type) {
		case *fanfarev1.SubscribeResponse_Ready:
			fmt.Println("* connected")
			if connected != nil {
				close(connected)
				connected = nil
			}
		case *fanfarev1.SubscribeResponse_Event:
			if frame.Event.Name != "message" {
				continue
			}
			said := frame.Event.Payload.GetJson().GetStructValue().GetFields()
			fmt.Printf("%s: %s\n", said["from"].GetStringValue(), said["text"].GetStringValue())
		case *fanfarev1.SubscribeResponse_Members:
			for _, member := range frame.Members.Members {
				names[member.Id] = member.Data.GetFields()["name"].GetStringValue()
			}
			fmt.Println("* here:", strings.Join(values(names), ", "))
		case *fanfarev1.SubscribeResponse_Presence:
			tell(frame.Presence, names)
		case *fanfarev1.SubscribeResponse_Gap:
			fmt.Println("* some messages were missed")
		}
	}
	return nil
}

func tell(change *fanfarev1.Presence, names map[string]string) {
	member := change.Member
	switch change.Kind {
	case fanfarev1.PresenceKind_PRESENCE_KIND_JOINED:
		names[member.Id] = member.Data.GetFields()["name"].GetStringValue()
		fmt.Println("*", names[member.Id], "joined")
	case fanfarev1.PresenceKind_PRESENCE_KIND_LEFT:
		fmt.Println("*", names[member.Id], "left")
		delete(names, member.Id)
	}
}

func values(names map[string]string) []string {
	var all []string
	for _, name := range names {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

// talk sends each line of the standard input.
func talk(ctx context.Context, client *fanfare.Client, room, name string) error {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		payload, err := fanfare.JSON(map[string]string{"from": name, "text": lines.Text()})
		if err != nil {
			return err
		}
		request := &fanfarev1.SendRequest{Channel: room, Event: "message", Payload: payload}
		if _, err := client.Send(ctx, request); err != nil {
			return err
		}
	}
	return lines.Err()
}
