package fanfare

import (
	"encoding/json"
	"os"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	fanfarev1 "fanfare.dev/gen/fanfare/v1"
)

func TestWaitsAreSpreadOverABoundThatDoublesAndFallsBack(t *testing.T) {
	var w waits
	for bound := firstBound; bound < 8*longestBound; bound *= 2 {
		if wait := w.next(); wait >= min(bound, longestBound) {
			t.Errorf("%v of %v", wait, bound)
		}
	}
	w.failures = 1 << 30
	if wait := w.next(); wait >= longestBound {
		t.Errorf("%v after very many failures", wait)
	}
	w.succeeded()
	if wait := w.next(); wait >= firstBound {
		t.Errorf("%v after a success", wait)
	}
}

func TestWaitsDiffer(t *testing.T) {
	shortest, longest := time.Hour, time.Duration(0)
	for range 100 {
		wait := new(waits).next()
		shortest, longest = min(shortest, wait), max(longest, wait)
	}
	if shortest > firstBound/4 || longest < 3*firstBound/4 {
		t.Errorf("between %v and %v", shortest, longest)
	}
}

func TestPayloadsHoldWhatTheyWereMadeOf(t *testing.T) {
	payload, err := JSON(map[string]any{"n": 1.5, "list": []any{nil, true}})
	if err != nil {
		t.Fatal(err)
	}
	if n := payload.GetJson().GetStructValue().Fields["n"].GetNumberValue(); n != 1.5 {
		t.Errorf("got %v", n)
	}
	if _, err := JSON(func() {}); err == nil {
		t.Error("a function is JSON")
	}
	packed, err := Message(durationpb.New(time.Second))
	if err != nil {
		t.Fatal(err)
	}
	there := new(durationpb.Duration)
	if err := packed.GetAny().UnmarshalTo(there); err != nil || there.Seconds != 1 {
		t.Errorf("got %v, %v", there, err)
	}
	if Text("x").GetText() != "x" || string(Binary([]byte{0}).GetBinary()) != "\x00" {
		t.Error("text and bytes changed")
	}
}

func TestTheServiceConfigNamesCallsThatThereAre(t *testing.T) {
	shared, err := os.ReadFile("../../service-config.json")
	if err != nil || string(shared) != ServiceConfig {
		t.Errorf("not the one that all clients share (%v)", err)
	}
	var config struct {
		MethodConfig []struct {
			Name []struct{ Service, Method string }
		}
	}
	if err := json.Unmarshal([]byte(ServiceConfig), &config); err != nil {
		t.Fatal(err)
	}
	there := make(map[string]bool)
	service := fanfarev1.RealtimeService_ServiceDesc
	for _, method := range service.Methods {
		there[method.MethodName] = true
	}
	named := 0
	for _, method := range config.MethodConfig {
		for _, name := range method.Name {
			named++
			if name.Service != service.ServiceName || !there[name.Method] {
				t.Errorf("there is no %v", name)
			}
		}
	}
	if named != 3 {
		t.Errorf("%d calls are named", named)
	}
}
