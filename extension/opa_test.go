package main

import (
	"context"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestTheFolderOfTheSocketIsMadeForItsOwnerAlone(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "opalite")
	for range 2 { // made, then found
		if err := privateFolder(folder); err != nil {
			t.Fatal(err)
		}
	}
	if info, err := os.Stat(folder); err != nil || info.Mode() != os.ModeDir|0o700 {
		t.Errorf("%v %v", info.Mode(), err)
	}
}

func TestAFolderThatOthersMayEnterIsRefused(t *testing.T) {
	place := t.TempDir()
	open, file, link := filepath.Join(place, "open"), filepath.Join(place, "file"), filepath.Join(place, "link")
	mine := filepath.Join(place, "mine")
	if err := os.Mkdir(open, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(mine, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, nil, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(mine, link); err != nil {
		t.Fatal(err)
	}
	for path, word := range map[string]string{
		open: "drwxr-xr-x, not drwx------", file: "is no folder", link: "is no folder", filepath.Join(place, "a/b"): "no such file",
	} {
		if err := privateFolder(path); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestOnlyASocketIsTakenAway(t *testing.T) {
	folder, err := os.MkdirTemp("", "o")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(folder)
	socket, file := filepath.Join(folder, "s"), filepath.Join(folder, "f")
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	listener.SetUnlinkOnClose(false)
	listener.Close()
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := removeSocket(socket); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(socket); !os.IsNotExist(err) {
		t.Errorf("still there: %v", err)
	}
	if err := removeSocket(socket); err != nil {
		t.Error(err)
	}
	if err := removeSocket(file); err == nil || !strings.Contains(err.Error(), "is no socket") {
		t.Error(err)
	}
}

func TestOpaIsHealthyOnlyWhenItSaysSo(t *testing.T) {
	folder, err := os.MkdirTemp("", "o")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(folder)
	socket := filepath.Join(folder, "s")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	server := &http.Server{Handler: http.HandlerFunc(func(answer http.ResponseWriter, request *http.Request) {
		if asked++; asked < 3 || request.URL.String() != "/health?bundles=true" {
			answer.WriteHeader(http.StatusInternalServerError)
		}
	})}
	go func() { _ = server.Serve(listener) }()
	defer server.Close()
	if !healthy(context.Background(), socket, 10*time.Second) || asked != 3 {
		t.Errorf("asked %d times", asked)
	}
	if healthy(context.Background(), socket+"x", 20*time.Millisecond) {
		t.Error("where nobody listens")
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if healthy(ended, socket, time.Hour) {
		t.Error("after the end")
	}
}
