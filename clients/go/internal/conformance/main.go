// Command conformance runs the scenarios of clients/conformance with this client.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
)

const atATime = 4

type result struct {
	Scenario string `json:"scenario"`
	OK       bool   `json:"ok"`
	Why      string `json:"why,omitempty"`
}

func main() {
	address := flag.String("door", "", "where nodes come from")
	path := flag.String("scenarios", "", "the list")
	only := flag.String("only", "", "what a name contains")
	flag.Parse()
	scenarios, err := load(*path)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	var failed atomic.Bool
	var all sync.WaitGroup
	var printing sync.Mutex
	turns := make(chan struct{}, atATime)
	for _, s := range scenarios {
		if !strings.Contains(s.Name, *only) {
			continue
		}
		all.Go(func() {
			if !s.Slow {
				turns <- struct{}{}
				defer func() { <-turns }()
			}
			told := result{Scenario: s.Name, OK: true}
			if err := run(s, door(*address)); err != nil {
				failed.Store(true)
				told = result{Scenario: s.Name, Why: err.Error()}
			}
			printing.Lock()
			defer printing.Unlock()
			if err := json.NewEncoder(os.Stdout).Encode(told); err != nil {
				failed.Store(true)
			}
		})
	}
	all.Wait()
	if failed.Load() {
		os.Exit(1)
	}
}

func load(path string) ([]scenario, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var list struct{ Scenarios []scenario }
	err = strictly(text, &list)
	return list.Scenarios, err
}
