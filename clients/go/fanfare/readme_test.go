package fanfare_test

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// blocks are the README's, of one language.
func blocks(t *testing.T, language string) []string {
	t.Helper()
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, block := range regexp.MustCompile("(?s)```"+language+"\n(.*?)```").FindAllSubmatch(text, -1) {
		found = append(found, string(block[1]))
	}
	return found
}

func shell(address, command string) *exec.Cmd {
	made := exec.Command("bash", "-euc", command)
	made.Dir = ".."
	made.Env = append(os.Environ(), "FANFARE_ADDRESS="+address)
	// `go run` has a child, which is to end with it.
	made.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return made
}

func TestTheFiveMinutesOfTheReadmeGoAsItSays(t *testing.T) {
	address := node(t)
	commands := blocks(t, "bash")
	join, say := shell(address, commands[0]), shell(address, commands[1])
	// So that there is more to come, as at a terminal.
	if _, err := join.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	said, err := join.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := join.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		syscall.Kill(-join.Process.Pid, syscall.SIGKILL)
		join.Wait()
	}()
	lines := bufio.NewScanner(said)
	for i, expected := range strings.Split(strings.TrimSpace(blocks(t, "text")[0]), "\n") {
		if i == 2 {
			if said, err := say.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, said)
			}
		}
		if lines.Scan(); lines.Text() != expected {
			t.Errorf("%q, not %q", lines.Text(), expected)
		}
	}
}

func TestTheProgramOfTheReadmeRuns(t *testing.T) {
	place := t.TempDir()
	here, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	program := blocks(t, "go")[0]
	if err := os.WriteFile(filepath.Join(place, "main.go"), []byte(program), 0o600); err != nil {
		t.Fatal(err)
	}
	// A module of its own, made as the README says.
	run := shell(node(t), "cp '"+here+"'/go.sum . && go mod init example.org/orders"+
		" && go mod edit -replace fanfare.dev='"+here+"' && go mod tidy && go run .")
	run.Dir = place
	said, err := run.Output()
	if err != nil || string(said) != "orders.7 created\n" {
		t.Errorf("%q, %v", said, err)
	}
}
