package fanfare_test

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// blocks are the README's, of one language.
func blocks(t *testing.T, language string) []string {
	t.Helper()
	return blocksOf(read(t, "../README.md"), language)
}

func blocksOf(text, language string) []string {
	var found []string
	for _, block := range regexp.MustCompile("(?s)```"+language+"\n(.*?)```").FindAllStringSubmatch(text, -1) {
		found = append(found, block[1])
	}
	return found
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
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

func TestThePageOnClientsSaysWhatTheReadmeSays(t *testing.T) {
	_, section, _ := strings.Cut(read(t, "../../../docs/clients.md"), "\n## Go\n")
	section, _, _ = strings.Cut(section, "\n## ")
	there := append(blocksOf(section, "bash"), blocksOf(section, "text")...)
	here := append(blocks(t, "bash")[:2], blocks(t, "text")...)
	here[0] = "cd clients/go\n" + here[0]
	if !slices.Equal(there, here) {
		t.Errorf("%q, not %q", there, here)
	}
}
