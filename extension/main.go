// The Lambda extension that runs OPA beside the function: it starts OPA on a socket that only its owner may
// open, says that it is ready once OPA has loaded its bundle, starts OPA anew when it dies, and ends with it.
//
// Why a program of its own and not Python: README.md beside this file.
package main

import (
	"errors"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"
)

func init() {
	// The kernel ends OPA when the *thread* that started it ends (Pdeathsig). Locked here, main stays on the
	// first thread, which lives as long as the process; it is main that starts OPA, each time.
	runtime.LockOSThread()
}

func main() {
	os.Exit(run())
}

func run() int {
	log := newLogger(os.Stdout)
	defer log.close()
	settings, err := readSettings(os.Args[0], os.Getenv)
	if err != nil {
		log.say("ERROR", err.Error())
		return 1
	}
	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGTERM, syscall.SIGINT)
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) // nobody reads our log: no reason to take OPA down
	keeper := &keeper{settings: settings, api: newClient(settings.api), log: log, told: told}
	return keeper.run()
}

// settings are all that is read of the environment.
type settings struct {
	api     string // host and port of the Extensions API
	name    string // of the executable: Lambda takes no other name for the registration
	opa     string
	bundle  string
	socket  string
	environ []string // of OPA
}

func readSettings(executable string, getenv func(string) string) (settings, error) {
	or := func(name, fallback string) string {
		if value := getenv(name); value != "" {
			return value
		}
		return fallback
	}
	layer, socket := or("OPALITE_LAYER", "/opt/opalite"), or("OPALITE_OPA_SOCKET", "/tmp/opalite/opa.sock")
	made := settings{
		api:     getenv("AWS_LAMBDA_RUNTIME_API"),
		name:    filepath.Base(executable),
		opa:     filepath.Join(layer, "opa"),
		bundle:  filepath.Join(layer, "bundle.tar.gz"),
		socket:  filepath.Clean(socket),
		environ: opaEnvironment(getenv),
	}
	switch {
	case made.api == "":
		return made, errors.New("AWS_LAMBDA_RUNTIME_API is not set: this program is started by Lambda alone")
	case !filepath.IsAbs(layer) || !filepath.IsAbs(socket):
		return made, errors.New("OPALITE_LAYER and OPALITE_OPA_SOCKET must be absolute paths")
	case len(made.socket) > longestSocketPath:
		return made, errors.New("OPALITE_OPA_SOCKET is longer than 107 bytes, the most that a socket's path may have")
	}
	return made, nil
}

const longestSocketPath = 107 // sockaddr_un of Linux has 108, with the zero at the end

// opaEnvironment has nothing of ours: no credentials, no proxy, no setting of OPA. Whoever may ask an OPA may
// ask for its environment.
func opaEnvironment(getenv func(string) string) []string {
	environ := []string{"HOME=/tmp", "TMPDIR=/tmp"}
	if value := getenv("GOGC"); value != "" {
		environ = append(environ, "GOGC="+value)
	} else {
		environ = append(environ, "GOGC=400") // fewer garbage collections: a quarter less CPU for some memory
	}
	if value := getenv("GOMEMLIMIT"); value != "" {
		environ = append(environ, "GOMEMLIMIT="+value)
	}
	return environ
}
