package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	killedWithin = time.Second / 5 // from SIGKILL to the end of the process
	probeTime    = time.Second     // for one question for its health
	firstPause   = 5 * time.Millisecond
	longestPause = 50 * time.Millisecond
	keptWords    = 1000 // bytes of what OPA said last
	keptLines    = 8
)

// fault is why we give up; its kind stands in the error that Lambda shows.
type fault struct {
	kind    string
	message string
}

func (f *fault) Error() string { return f.message }

// opa is one process of OPA.
type opa struct {
	command *exec.Cmd
	exited  chan struct{} // closed when it has ended and been waited for
	read    chan struct{} // closed when all that it wrote has been read
	mutex   sync.Mutex
	words   []string // the last lines that it wrote
}

// startOpa must be called by main: see init. It returns before OPA answers.
func startOpa(settings settings, log *logger) (*opa, *fault) {
	if why := look(settings); why != nil {
		return nil, why
	}
	if err := privateFolder(filepath.Dir(settings.socket)); err != nil {
		return nil, &fault{"Extension.OpaNotReady", err.Error()}
	}
	if err := removeSocket(settings.socket); err != nil {
		return nil, &fault{"Extension.OpaNotReady", err.Error()}
	}
	ours, its, err := os.Pipe()
	if err != nil {
		return nil, &fault{"Extension.OpaNotReady", "no pipe for what OPA writes: " + err.Error()}
	}
	defer its.Close()
	command := exec.Command(settings.opa, opaArguments(settings)...)
	command.Env, command.Dir = settings.environ, "/"
	command.Stdout, command.Stderr = its, its
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := command.Start(); err != nil {
		ours.Close()
		return nil, &fault{"Extension.OpaNotReady", fmt.Sprintf("OPA cannot be started: %v", err)}
	}
	started := &opa{command: command, exited: make(chan struct{}), read: make(chan struct{})}
	go func() {
		defer close(started.read)
		defer ours.Close()
		eachLine(ours, func(line []byte) {
			fields := relabel(line)
			started.keep(fields)
			log.opa(fields)
		})
	}()
	go func() {
		_ = command.Wait()
		close(started.exited)
	}()
	return started, nil
}

func opaArguments(settings settings) []string {
	return []string{
		"run", "--server",
		"--addr", "unix://" + settings.socket,
		"--unix-socket-perm", "700",
		"--log-level", "error",
		"--log-format", "json",
		"--skip-version-check",
		"--optimize-store-for-read-speed",
		"--shutdown-grace-period", "1",
		"--bundle", settings.bundle,
	}
}

func look(settings settings) *fault {
	if info, err := os.Stat(settings.opa); err != nil {
		return &fault{"Extension.OpaMissing", fmt.Sprintf("OPA is not there: %v; build the layer anew", err)}
	} else if !info.Mode().IsRegular() || info.Mode().Perm()&0o111 == 0 {
		return &fault{"Extension.OpaMissing", settings.opa + " is no file that can be run; build the layer anew"}
	}
	if info, err := os.Stat(settings.bundle); err != nil {
		return &fault{"Extension.BundleMissing", fmt.Sprintf("the bundle is not there: %v; build the layer anew", err)}
	} else if !info.Mode().IsRegular() {
		return &fault{"Extension.BundleMissing", settings.bundle + " is no file; build the layer anew"}
	}
	return nil
}

// privateFolder makes the folder of the socket, or makes sure that the one that is there is ours alone.
func privateFolder(path string) error {
	err := os.Mkdir(path, 0o700)
	if err == nil {
		return nil
	}
	if !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("no folder for OPA's socket: %w", err)
	}
	info, err := os.Lstat(path) // not Stat: a link may lead anywhere
	if err != nil {
		return fmt.Errorf("no folder for OPA's socket: %w", err)
	}
	owner, known := info.Sys().(*syscall.Stat_t)
	switch {
	case !info.IsDir():
		return fmt.Errorf("%s is no folder: OPA's socket must lie in one that is ours alone", path)
	case !known || int(owner.Uid) != os.Geteuid():
		return fmt.Errorf("%s belongs to somebody else: OPA's socket must lie in a folder that is ours alone", path)
	case info.Mode() != fs.ModeDir|0o700:
		return fmt.Errorf("%s has mode %v, not drwx------: others could reach OPA's socket", path, info.Mode())
	}
	return nil
}

// removeSocket takes away what an OPA before left, so that nobody takes it for the new one.
func removeSocket(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("OPA's socket: %w", err)
	}
	if info.Mode().Type() != fs.ModeSocket {
		return fmt.Errorf("%s is no socket; take it away", path)
	}
	return os.Remove(path)
}

// healthy is true when OPA has loaded its bundle and answers; false when `limit` is over, or `ctx` ended.
//
// Lambda may freeze us at any time outside an invocation. No step counts for more than it can take, so that a
// long freeze does not use up the limit.
func healthy(ctx context.Context, socket string, limit time.Duration) bool {
	var dialer net.Dialer
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return dialer.DialContext(ctx, "unix", socket)
	}
	client := &http.Client{Transport: &http.Transport{Proxy: nil, DialContext: dial, DisableKeepAlives: true}}
	pause := firstPause
	for spent := time.Duration(0); spent < limit; {
		begun := time.Now()
		if probe(ctx, client) {
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(pause):
		}
		spent += min(time.Since(begun), probeTime+pause)
		pause = min(pause*3/2, longestPause)
	}
	return false
}

func probe(ctx context.Context, client *http.Client) bool {
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://opa/health?bundles=true", nil)
	if err != nil {
		return false
	}
	response, err := client.Do(request)
	if err != nil {
		return false
	}
	response.Body.Close()
	return response.StatusCode == http.StatusOK
}

// stop ends it, and its whole group if it takes longer than `patience`.
func (o *opa) stop(patience time.Duration) {
	_ = o.command.Process.Signal(syscall.SIGTERM)
	select {
	case <-o.exited:
		return
	case <-time.After(patience):
	}
	_ = syscall.Kill(-o.command.Process.Pid, syscall.SIGKILL)
	select {
	case <-o.exited:
	case <-time.After(killedWithin):
	}
}

// end says how it ended, and what it said last.
func (o *opa) end() string {
	select {
	case <-o.read:
	case <-time.After(lastWords):
	}
	how := "it runs still"
	select {
	case <-o.exited:
		how = "it ended with " + strings.TrimSuffix(o.command.ProcessState.String(), " (core dumped)")
	default:
	}
	o.mutex.Lock()
	defer o.mutex.Unlock()
	said := oneLine(strings.Join(o.words, " "), keptWords)
	if said == "" {
		return how
	}
	return how + "; it said: " + said
}

func (o *opa) keep(fields map[string]any) {
	message, _ := fields["message"].(string)
	o.mutex.Lock()
	defer o.mutex.Unlock()
	o.words = append(o.words, cut(message, keptWords))
	if len(o.words) > keptLines {
		o.words = o.words[1:]
	}
}
