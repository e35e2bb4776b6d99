package fanfare_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"fanfare.dev/fanfare"
)

var binary = sync.OnceValues(func() (string, error) {
	if given := os.Getenv("FANFARE_BIN"); given != "" {
		return given, nil
	}
	root := filepath.Join("..", "..", "..")
	build := exec.Command("cargo", "build", "--release", "--bin", "fanfare")
	build.Dir = root
	if said, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, said)
	}
	target := os.Getenv("CARGO_TARGET_DIR")
	if target == "" {
		target = "target"
	}
	return filepath.Abs(filepath.Join(root, target, "release", "fanfare"))
})

var listening = regexp.MustCompile(`listening on (\S+);`)

// node starts a node of the test's own and tells its address.
func node(t *testing.T) string {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(path, "serve", "--listen", "127.0.0.1:0", "--log", "warn")
	for _, variable := range os.Environ() {
		// Which would be settings to it.
		if !strings.HasPrefix(variable, "FANFARE_") {
			command.Env = append(command.Env, variable)
		}
	}
	said, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		command.Process.Kill()
		command.Wait()
	})
	line, err := bufio.NewReader(said).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return listening.FindStringSubmatch(line)[1]
}

func client(t *testing.T) *fanfare.Client {
	t.Helper()
	made, err := fanfare.NewClient(node(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { made.Close() })
	return made
}
