package main

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"strconv"
	"strings"
)

// names are the values that a scenario saved.
type names map[string]any

var (
	variable   = regexp.MustCompile(`\$\{([^}]*)\}`)
	repetition = regexp.MustCompile(`(?s)^\$repeat:(\d+):(.*)$`)
)

// filled is a value with variables and repetitions replaced.
func (n names) filled(value any) (any, error) {
	switch value := value.(type) {
	case map[string]any:
		object := make(map[string]any, len(value))
		for key, inner := range value {
			put, err := n.filled(inner)
			if err != nil {
				return nil, err
			}
			object[key] = put
		}
		return object, nil
	case []any:
		array := make([]any, len(value))
		for i, inner := range value {
			put, err := n.filled(inner)
			if err != nil {
				return nil, err
			}
			array[i] = put
		}
		return array, nil
	case string:
		return n.text(value)
	}
	return value, nil
}

func (n names) text(text string) (any, error) {
	for _, found := range variable.FindAllStringSubmatch(text, -1) {
		value, known := n[found[1]]
		if !known {
			return nil, fmt.Errorf("nothing was saved as %s", found[1])
		}
		if found[0] == text {
			return value, nil
		}
		text = strings.ReplaceAll(text, found[0], fmt.Sprint(value))
	}
	if found := repetition.FindStringSubmatch(text); found != nil {
		times, err := strconv.Atoi(found[1])
		return strings.Repeat(found[2], times), err
	}
	return text, nil
}

// match tells the first difference between what is expected and what is there.
// Nothing there is the nil of match's own type, JSON's null is a nil any.
func (n names) match(expected any, actual *any, path string) error {
	if text, is := expected.(string); is {
		put, err := n.text(text)
		if err != nil {
			return err
		}
		expected = put
	}
	if actual == nil {
		if expected == "$absent" {
			return nil
		}
		return fmt.Errorf("%s: expected %s, got nothing", path, short(expected))
	}
	switch expected := expected.(type) {
	case map[string]any:
		if object, is := (*actual).(map[string]any); is {
			return n.matchObject(expected, object, path)
		}
	case []any:
		if array, is := (*actual).([]any); is && len(array) == len(expected) {
			for i := range expected {
				if err := n.match(expected[i], &array[i], fmt.Sprintf("%s[%d]", path, i)); err != nil {
					return err
				}
			}
			return nil
		}
	case string:
		if strings.HasPrefix(expected, "$") {
			return n.matcher(expected, *actual, path)
		}
	}
	if reflect.DeepEqual(expected, *actual) {
		return nil
	}
	return fmt.Errorf("%s: expected %s, got %s", path, short(expected), short(*actual))
}

func (n names) matchObject(expected, actual map[string]any, path string) error {
	for key, inner := range expected {
		var there *any
		if value, is := actual[key]; is {
			there = &value
		}
		if err := n.match(inner, there, path+"."+key); err != nil {
			return err
		}
	}
	return nil
}

func (n names) matcher(expected string, actual any, path string) error {
	matcher, argument, _ := strings.Cut(expected, ":")
	text, isText := actual.(string)
	matches := false
	switch matcher {
	case "$any":
		matches = true
	case "$save":
		n[argument], matches = actual, true
	case "$gt":
		matches = number(actual) > number(argument)
	case "$lt":
		matches = number(actual) < number(argument)
	case "$ne":
		matches = isText && text != argument
	case "$contains":
		matches = isText && strings.Contains(text, argument)
	case "$absent":
	default:
		return fmt.Errorf("%s: unknown matcher %s", path, expected)
	}
	if !matches {
		return fmt.Errorf("%s: expected %s, got %s", path, expected, short(actual))
	}
	return nil
}

// number is NaN, and so in no order, for what is none.
func number(value any) float64 {
	parsed, err := strconv.ParseFloat(fmt.Sprint(value), 64)
	if err != nil {
		return math.NaN()
	}
	return parsed
}

func short(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		return err.Error()
	}
	if len(text) > 600 {
		return fmt.Sprintf("%s... (%d bytes)", text[:600], len(text))
	}
	return string(text)
}
