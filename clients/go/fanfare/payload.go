package fanfare

import (
	"encoding/json"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/structpb"

	fanfarev1 "fanfare.dev/gen/fanfare/v1"
)

// JSON makes a payload of whatever [json.Marshal] takes. Integers past 2^53
// lose digits.
func JSON(value any) (*fanfarev1.Payload, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	parsed := new(structpb.Value)
	if err := parsed.UnmarshalJSON(text); err != nil {
		return nil, err
	}
	return &fanfarev1.Payload{Kind: &fanfarev1.Payload_Json{Json: parsed}}, nil
}

// Text makes a payload of UTF-8.
func Text(text string) *fanfarev1.Payload {
	return &fanfarev1.Payload{Kind: &fanfarev1.Payload_Text{Text: text}}
}

// Binary makes a payload of bytes.
func Binary(data []byte) *fanfarev1.Payload {
	return &fanfarev1.Payload{Kind: &fanfarev1.Payload_Binary{Binary: data}}
}

// Message makes a payload of a message of your own, with its type's name.
func Message(message proto.Message) (*fanfarev1.Payload, error) {
	packed, err := anypb.New(message)
	if err != nil {
		return nil, err
	}
	return &fanfarev1.Payload{Kind: &fanfarev1.Payload_Any{Any: packed}}, nil
}
